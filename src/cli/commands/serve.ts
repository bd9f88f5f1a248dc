import type { Command } from 'commander';
import { DEFAULT_PORT } from '../../config/settings.js';
import { type Finish, finishing, localCommand } from '../command.js';
import type { ServeOptions } from '../serve.js';

/** Owns the database, carries its runs, and serves the HTTP API until it is told to stop. */
export function serveCommand(finish: Finish): Command {
  return localCommand('serve', 'carry the runs of a database and serve the HTTP API')
    .argument('[plan...]', 'files with the plans to offer')
    .option('--config <file>', 'configuration (default: $RUNCHART_CONFIG, or runchart.config.json)')
    .option('--handlers <module>', 'ES module that exports the handlers')
    .option('--keys <file>', 'keys that payloads are encrypted with; see docs/storage.md')
    .option('--start <plan>', 'start a run of this plan, once per database')
    .option('--host <address>', 'address to listen on; beyond loopback with tokens only')
    .option('--tokens <when>', 'required asks for a token on loopback too')
    .option('--port <port>', `port; 0 takes a free one (default: ${DEFAULT_PORT})`)
    .option('--log-level <level>', 'debug, info, warn, error or silent')
    .option('--log-format <format>', 'json or text')
    .option('--shutdown-delay <duration>', 'how long not to be ready before the server stops')
    .option('--inspect', 'serve the inspector too, which shows runs as graphs and statecharts')
    .action(finishing(finish, serve));
}

/** The server is loaded where one is wanted: no other command waits for it. */
async function serve(files: string[], options: ServeOptions) {
  return (await import('../serve.js')).serve(files, options);
}
