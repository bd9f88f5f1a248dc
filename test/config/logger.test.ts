import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HandlerContext } from '../../src/actors/handlers.js';
import { createLogger, type LogOptions } from '../../src/config/create-logger.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

function logTo(lines: string[], options: Partial<LogOptions> = {}) {
  const target = { write: (line: string) => void lines.push(line) };
  return createLogger({ level: 'debug', format: 'json', target, ...options });
}

describe('the log', () => {
  it('says of each line of a handler which run, node and attempt it is of', async () => {
    const lines: string[] = [];
    const work = (_input: unknown, { logger }: HandlerContext) =>
      logger.info({ step: 1, run: 'another' }, 'at work');
    const url = temporaryDatabase();
    const orchestrator = await createOrchestrator({
      url,
      handlers: { work },
      logger: logTo(lines),
    });
    onTestFinished(() => orchestrator.close());
    await (await orchestrator.start(plan([action('a')]).plan, { id: 'r' })).result();
    expect(lines.map((line) => JSON.parse(line))).toContainEqual({
      level: 'info',
      time: expect.any(Number),
      step: 1,
      run: 'r',
      node: 'a',
      generation: 1,
      attempt: 1,
      msg: 'at work',
    });
  });

  it('P18 never has a secret, wherever it stands', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{12,24}$/).map((text) => `s3cr3t${text}`);
    const place = fc.constantFrom<(text: string) => [object, string]>(
      (text) => [{ token: text }, 'x'],
      (text) => [{ headers: { Authorization: `Bearer ${text}`, cookie: text } }, 'x'],
      (text) => [{ list: [{ apiKey: text }, { 'api-key': text }] }, 'x'],
      (text) => [{ error: new Error(`refused: Bearer ${text}`) }, 'x'],
      (text) => [
        { err: new Error('outer', { cause: new Error(`https://me:${text}@example.org`) }) },
        'x',
      ],
      (text) => [{ error: Object.assign(new Error('x'), { config: { password: text } }) }, 'x'],
      (text) => [{ url: `https://example.org/?token=${text}&x=1` }, 'x'],
      (text) => [{}, `sent Authorization: Bearer ${text}`],
      (text) => [{}, `password=${text}`],
    );
    fc.assert(
      fc.property(secret, place, fc.constantFrom('json', 'text'), (text, put, format) => {
        const lines: string[] = [];
        const [fields, message] = put(text);
        logTo(lines, { format }).error(fields, message);
        expect(lines).toHaveLength(1);
        expect(lines.join('')).not.toContain(text);
      }),
    );
  });

  it('has errors with their causes, and what is no secret as it is', () => {
    const lines: string[] = [];
    const error = new Error('outer', { cause: new Error('inner') });
    logTo(lines).warn({ error, tokens: 3, nodes: ['a'] }, 'a turn is void');
    const line = JSON.parse(lines[0] ?? '');
    expect(line).toMatchObject({ tokens: 3, nodes: ['a'], level: 'warn', msg: 'a turn is void' });
    expect(line.error).toMatchObject({ type: 'Error', message: 'outer: inner' });
  });

  it('is as quiet and as readable as it was asked to be', () => {
    const lines: string[] = [];
    const log = logTo(lines, { level: 'warn', format: 'text' });
    log.info({}, 'not said');
    log.warn({ run: 'r1', error: new Error('the disk is full') }, 'a turn is void');
    expect(lines).toEqual([
      expect.stringMatching(
        /^[\d:.]{12} warn {2}a turn is void run=r1 error="the disk is full"\n$/,
      ),
    ]);
  });

  it('takes whatever is logged, with cycles, depth and bytes', () => {
    const lines: string[] = [];
    const cycle: Record<string, unknown> = { bytes: new Uint8Array(9) };
    cycle.self = cycle;
    logTo(lines).info(cycle, 'round and round');
    expect(lines[0]).toContain('[deep]');
    expect(lines[0]).toContain('[9 bytes]');
  });
});
