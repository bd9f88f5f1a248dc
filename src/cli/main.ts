#!/usr/bin/env node
/** The `runchart` command. */
import { ignoreClosedPipes } from './output.js';
import { runProgram } from './program.js';

ignoreClosedPipes();
process.exitCode = await runProgram(process.argv.slice(2));
