import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { AUDIT_HANDLERS, AUDIT_PLAN, Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  delete process.env.RUNCHART_TOKEN;
  await place.leave();
});

/** For a machine with much else to do: each command is a process. */
const PATIENCE = { timeout: 90_000 };

function runs(url: string, token?: string): Promise<Response> {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${url}/runs`, { headers });
}

describe('tokens on the command line', () => {
  it('promise 18: are needed before a server listens beyond loopback', PATIENCE, async () => {
    const wide = [AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--host', '0.0.0.0'];
    const refused = await place.cli('serve', ...wide, '--port', '0');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('runchart token create NAME --role admin');
    const { stdout, stderr } = await place.cli('token', 'create', 'root', '--role', 'admin');
    expect(stdout).toMatch(/^rct_\S{60}\n$/);
    expect(stderr).toContain('not shown again');
    const inspected = await place.cli('serve', ...wide, '--port', '0', '--inspect');
    expect(inspected).toMatchObject({ code: 2, stdout: '' });
    expect(inspected.stderr).toContain('served on loopback alone');
    const { url } = await place.serve(...wide);
    expect((await runs(url)).status).toBe(401);
    expect((await runs(url, stdout.trim())).status).toBe(200);
  });

  it(
    'promise 15: ask as often as the configuration says, and the audit is as long',
    PATIENCE,
    async () => {
      place.write(
        'runchart.config.yaml',
        'server: { tokens: required, rate: 1, tenantRate: 1000 }\nretention: { auditRecords: 2, audit: 1h }\n',
      );
      const owner = await createOrchestrator({ url: place.database, handlers: {} });
      const { secret } = await owner.access.createToken({ principal: 'ann', roles: ['reader'] });
      await owner.close();
      const { url } = await place.serve('--config', 'runchart.config.yaml');
      const statuses: number[] = [];
      for (let n = 0; n < 60; n += 1) statuses.push((await runs(url, secret)).status);
      expect(new Set(statuses)).toEqual(new Set([200, 429]));
      const shown = await place.cli('config', '--config', 'runchart.config.yaml');
      expect(shown.stdout).toMatch(/retention\.auditRecords\s+2\b/);
      expect(shown.stdout).toMatch(/retention\.audit\s+3600000\b/);
    },
  );

  it(
    'S197 are made and revoked through the server, and the audit says by whom',
    PATIENCE,
    async () => {
      const owner = await createOrchestrator({ url: place.database, handlers: {} });
      const root = await owner.access.createToken({ principal: 'root', roles: ['admin'] });
      await owner.close();
      const { url } = await place.serve('--tokens', 'required');
      const asked = ['token', 'create', 'ann', '--role', 'reader', '--tenant', 'acme', '--json'];
      const nobody = await place.cli(...asked);
      expect(nobody).toMatchObject({ code: 1, stdout: '' });
      expect(nobody.stderr).toContain('token-missing');
      process.env.RUNCHART_TOKEN = root.secret;
      const made = JSON.parse((await place.cli(...asked)).stdout) as { id: string; secret: string };
      expect(made).toMatchObject({ tenant: 'acme', principal: 'ann', createdBy: 'root' });
      expect((await runs(url, made.secret)).status).toBe(200);
      expect((await place.cli('token', 'revoke', made.id)).stdout).toContain(
        'acme~ann  reader  revoked',
      );
      expect((await runs(url, made.secret)).status).toBe(401);
      const audit = (await place.cli('audit')).stdout.split('\n');
      expect(audit[0]).toMatch(/root {2}127\.0\.0\.1 {2}POST {2}\/tokens\/\w+\/revoke {2}200$/);
      expect(audit.join()).toContain('401 token-missing');
    },
  );
});
