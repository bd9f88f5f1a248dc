import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withSettings } from '../../scripts/settings-table.js';
import { orchestratorOptions } from '../../src/config/orchestrator-options.js';
import { readConfig } from '../../src/config/read-config.js';
import { SETTING_NAMES, SETTINGS } from '../../src/config/settings.js';
import { RunchartError } from '../../src/errors.js';
import { temporaryDirectory } from '../support/temporary.js';

/** The paths of the issues that reading ends in. */
function refusals(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    expect(error).toMatchObject({ code: 'config-invalid' });
    return (error as RunchartError).issues.map(({ path }) => path);
  }
  throw new Error('nothing was refused');
}

describe('the configuration', () => {
  it('takes a flag before the environment, that before the file, that before the default', () => {
    const ports = fc.option(fc.nat(65_535), { nil: undefined });
    fc.assert(
      fc.property(ports, ports, ports, (flag, env, inFile) => {
        const folder = temporaryDirectory();
        const file = { server: inFile === undefined ? {} : { port: inFile } };
        writeFileSync(join(folder, 'runchart.config.json'), JSON.stringify(file));
        const { settings } = readConfig({
          flags: { 'server.port': flag === undefined ? undefined : String(flag) },
          env: env === undefined ? {} : { RUNCHART_PORT: String(env) },
          folder,
        });
        expect(settings['server.port']).toBe(flag ?? env ?? inFile ?? 4747);
      }),
      { numRuns: 30 },
    );
  });

  it('says what an orchestrator keeps of its audit', () => {
    const env = { RUNCHART_RETENTION_AUDIT: '2d', RUNCHART_RETENTION_AUDIT_RECORDS: '5000' };
    const { settings } = readConfig({ flags: {}, env, folder: temporaryDirectory() });
    expect(orchestratorOptions(settings).audit).toEqual({
      maxRecords: 5_000,
      maxAgeMs: 2 * 86_400_000,
    });
  });

  it('says where every value came from', () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'runchart.config.yaml');
    writeFileSync(file, 'log: { level: debug }\nlimits: { drainMs: 3s }\n');
    const { settings, sources } = readConfig({
      flags: { start: 'audit' },
      env: { RUNCHART_DB: 'x.db' },
      folder,
    });
    expect(sources).toMatchObject({
      start: '--start',
      database: 'RUNCHART_DB',
      'log.level': `log.level in ${file}`,
      'server.port': 'default',
    });
    expect(settings).toMatchObject({ 'log.level': 'debug', 'limits.drainMs': 3_000 });
  });

  it('refuses all values that are none at once, with their places, and shows none of them', () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'named.json');
    writeFileSync(file, '{"server": {"port": "hunter2"}, "log": {"levle": "info"}, "limits": 3}');
    const read = () =>
      readConfig({
        file,
        flags: { 'log.format': 'hunter2' },
        env: { RUNCHART_LIMITS_DRAIN_MS: 'hunter2' },
        folder,
      });
    expect([...refusals(read)].sort()).toEqual(
      [
        '--log-format',
        'RUNCHART_LIMITS_DRAIN_MS',
        `limits in ${file}`,
        `log.levle in ${file}`,
        `server.port in ${file}`,
      ].sort(),
    );
    expect(() => read()).not.toThrow(/hunter2/);
  });

  it('refuses a file that is not there, is none, or is one of two', () => {
    const folder = temporaryDirectory();
    expect(() => readConfig({ file: 'gone.json', env: {}, folder })).toThrow(/there is no/);
    writeFileSync(join(folder, 'runchart.config.json'), '{"server": ');
    expect(refusals(() => readConfig({ env: {}, folder }))).toHaveLength(1);
    writeFileSync(join(folder, 'runchart.config.yaml'), 'server: {}');
    expect(() => readConfig({ env: {}, folder })).toThrow(RunchartError);
  });

  it('takes paths in a file relative to it', () => {
    const folder = temporaryDirectory();
    const there = join(folder, 'conf');
    mkdirSync(there);
    writeFileSync(
      join(there, 'c.json'),
      '{"database": "a.db", "handlers": "h.mjs", "plans": ["p.yaml"]}',
    );
    const { settings } = readConfig({ env: { RUNCHART_CONFIG: 'conf/c.json' }, folder });
    expect(settings).toMatchObject({
      database: join(there, 'a.db'),
      handlers: join(there, 'h.mjs'),
      plans: [join(there, 'p.yaml')],
    });
  });

  it('never ends in anything but settings or a refusal, whatever is in the environment', () => {
    const entry = fc.tuple(
      fc.constantFrom(...SETTING_NAMES.map((name) => SETTINGS[name].env)),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        try {
          readConfig({ env: Object.fromEntries(entries), folder: '/nowhere' });
        } catch (error) {
          expect(error).toMatchObject({ code: 'config-invalid' });
        }
      }),
    );
  });

  it('is listed in docs/configuration.md as it is', () => {
    const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    expect(withSettings(page)).toBe(page);
    for (const name of SETTING_NAMES) expect(page).toContain(`| \`${name}\` |`);
  });
});
