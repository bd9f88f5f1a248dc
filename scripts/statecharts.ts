/** Prints docs/statecharts.md, drawn from the machines: `npm run statecharts`. */
import { machineToMermaid } from '../src/machines/chart-diagram.js';
import { nodeRunMachine } from '../src/machines/node-run-machine.js';
import { runMachine } from '../src/machines/run-machine.js';
import { taskMachine } from '../src/machines/task-machine.js';

export function statechartsPage(): string {
  return [
    '# Statecharts',
    'Drawn from the machines by `npm run statecharts`; a test compares this page with them. Guards stand in brackets, actions after a slash.',
    '## Run',
    fence(machineToMermaid(runMachine)),
    '## Node run',
    fence(machineToMermaid(nodeRunMachine)),
    '## Human task',
    fence(machineToMermaid(taskMachine)),
  ].join('\n\n');
}

function fence(diagram: string): string {
  return `\`\`\`mermaid\n${diagram}\`\`\`\n`;
}

if (process.argv[1]?.endsWith('statecharts.ts')) process.stdout.write(statechartsPage());
