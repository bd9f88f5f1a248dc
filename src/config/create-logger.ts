/** The log of a process: lines on standard error, as JSON or as text, without secrets. */
import { type DestinationStream, destination, pino, stdSerializers } from 'pino';
import type { Logger } from '../actors/handlers.js';
import { withoutSecrets } from './without-secrets.js';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly format: 'json' | 'text';
  /** Standard error unless given. */
  readonly target?: DestinationStream;
}

/** Lines have `level`, `time` (ms since the epoch), `msg`, and `run`, `node`, `attempt` where they are known. */
export function createLogger({ level, format, target = destination(2) }: LogOptions): Logger {
  return pino(
    {
      level,
      base: null,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => withoutSecrets(fields) as Record<string, unknown>,
      },
      // Whoever logs an error calls it one of these.
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      hooks: {
        logMethod([fields, message, ...rest], method) {
          const said = typeof message === 'string' ? withoutSecrets(message) : message;
          method.apply(this, [fields, said, ...rest] as Parameters<typeof method>);
        },
      },
    },
    format === 'json' ? target : { write: (line) => target.write(toText(line)) },
  );
}

/** `12:00:00.000 warn  a turn is void run=r1 error="the disk is full"` */
function toText(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const at = new Date(Number(time)).toISOString().slice(11, 23);
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  return `${[at, String(level).padEnd(5), String(msg ?? ''), ...parts].join(' ')}\n`;
}

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/~[\]-]+$/.test(value)) return value;
  return JSON.stringify(isError(value) ? value.message : value);
}

function isError(value: unknown): value is { readonly message: string } {
  return typeof value === 'object' && value !== null && 'message' in value && 'stack' in value;
}
