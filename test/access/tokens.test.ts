import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdsRole, TOKEN_ROLES } from '../../src/access/roles.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { plan } from '../../src/plan/builder.js';
import { testKit } from '../../src/testing/index.js';

let folder: string;
let orchestrator: Orchestrator;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runchart-tokens-'));
  orchestrator = await createOrchestrator({ url: join(folder, 'runs.db'), handlers: {} });
});
afterAll(async () => {
  await orchestrator.close();
  rmSync(folder, { recursive: true, force: true });
});

const approval = plan('Ask')
  .approval('ask', { responders: ['ann'], groups: ['legal'] })
  .build();

describe('a token', () => {
  it('promise 18: is shown once, and the database has a hash of it', async () => {
    const made = await orchestrator.access.createToken({
      principal: 'ann',
      roles: ['operator'],
      groups: ['legal'],
      tenant: 'acme',
      by: 'root',
    });
    expect(made.secret).toMatch(/^rct_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    const secret = made.secret.slice(21);
    const files = ['runs.db', 'runs.db-wal'].map((name) => readFileSync(join(folder, name)));
    for (const file of files) expect(file.includes(secret)).toBe(false);
    expect(files.some((file) => file.includes(made.id))).toBe(true);
    const [listed] = await orchestrator.access.tokens({ tenant: 'acme' });
    expect(listed).toMatchObject({ id: made.id, principal: 'ann', createdBy: 'root' });
    expect(JSON.stringify(listed)).not.toMatch(/secret|hash/i);
    expect(await orchestrator.access.authenticate(made.secret)).toEqual({
      token: made.id,
      tenant: 'acme',
      roles: ['operator'],
      principal: { name: 'ann', groups: ['legal'] },
    });
  });

  it('promise 18: is refused in one way, whatever is wrong with it', async () => {
    const kit = await testKit({ handlers: {} });
    const { access } = kit.orchestrator;
    const options = { principal: 'ann', roles: ['reader'] } as const;
    const revoked = await access.createToken(options);
    await access.revokeToken(revoked.id);
    const expired = await access.createToken({ ...options, expiresAt: kit.clock.now() + 1_000 });
    expect(await access.authenticate(expired.secret)).toMatchObject({ token: expired.id });
    await kit.advance(1_000);
    const good = await access.createToken(options);
    const other = await access.createToken(options);
    const swapped = good.secret.slice(0, 21) + other.secret.slice(21);
    const refusals = await Promise.all(
      [
        revoked.secret,
        expired.secret,
        swapped,
        `${good.secret}x`,
        good.secret.slice(0, -1),
        '',
      ].map((text) => access.authenticate(text).catch((error: Error & { code: string }) => error)),
    );
    const [first] = refusals;
    expect(first).toMatchObject({ code: 'token-refused', status: 401 });
    for (const refusal of refusals) expect(refusal).toEqual(first);
    expect(await access.authenticate(good.secret)).toMatchObject({ token: good.id });
  });

  it('promise 18: is not guessed: whatever is sent, only the token itself opens', async () => {
    const { secret } = await orchestrator.access.createToken({ principal: 'p', roles: ['reader'] });
    const changed = fc
      .tuple(fc.nat(secret.length - 1), fc.constantFrom(...'0123456789abcdefXYZ_-~ \n\u0000é'))
      .map(([at, letter]) => secret.slice(0, at) + letter + secret.slice(at + 1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, fc.string()), async (text) => {
        const opened = await orchestrator.access.authenticate(text).catch(() => undefined);
        expect(opened !== undefined).toBe(text === secret);
      }),
      { numRuns: 300 },
    );
  });

  it('S197 is refused with all that is wrong where it cannot be', async () => {
    const wrong = { principal: '', roles: ['king'], tenant: 'A~B', groups: [''] };
    const making = orchestrator.access.createToken(wrong as never);
    await expect(making).rejects.toMatchObject({ code: 'argument-invalid' });
    const { issues } = (await making.catch((error) => error)) as { issues: { path: string }[] };
    expect(issues.map(({ path }) => path)).toEqual([
      '/principal',
      '/roles/0',
      '/tenant',
      '/groups/0',
    ]);
    const past = { principal: 'a', roles: ['reader'], expiresAt: 1 } as const;
    await expect(orchestrator.access.createToken(past)).rejects.toThrow(/expired already/);
    await expect(orchestrator.access.revokeToken('none')).rejects.toMatchObject({
      code: 'token-unknown',
    });
    const theirs = await orchestrator.access.createToken({
      ...past,
      expiresAt: undefined,
      tenant: 'b',
    });
    const revoking = orchestrator.access.revokeToken(theirs.id, { tenant: 'a' });
    await expect(revoking).rejects.toMatchObject({ code: 'token-unknown' });
  });

  it('S197 says when it was used last, and the use of it undoes no revocation', async () => {
    const kit = await testKit({ handlers: {} });
    const { access } = kit.orchestrator;
    const { id, secret } = await access.createToken({ principal: 'ann', roles: ['reader'] });
    const used = kit.clock.now();
    await access.authenticate(secret);
    await kit.advance(60_000);
    await access.authenticate(secret);
    expect((await access.tokens())[0]?.lastUsedAt).toBe(used);
    await kit.advance(300_000);
    const [, revoked] = await Promise.all([access.authenticate(secret), access.revokeToken(id)]);
    await kit.drain();
    expect((await access.tokens())[0]).toMatchObject({
      lastUsedAt: kit.clock.now(),
      revokedAt: revoked.revokedAt,
    });
    expect(await access.hasTokens()).toBe(false);
  });

  it('S197 includes the roles below its own, and host only for an admin of the default tenant', () => {
    const held = (tenant: string, role: (typeof TOKEN_ROLES)[number]) =>
      [...TOKEN_ROLES, 'host' as const].filter((needed) =>
        holdsRole({ tenant, roles: [role] }, needed),
      );
    expect(TOKEN_ROLES.map((role) => held('acme', role).join(' '))).toEqual([
      'reader',
      'reader operator',
      'responder',
      'worker',
      'reader operator admin',
    ]);
    expect(held('', 'admin')).toEqual(['reader', 'operator', 'admin', 'host']);
  });
});

describe('a principal', () => {
  it('S129 S205 answers as himself, with the groups of his token, whoever he says he is', async () => {
    const kit = await testKit({ handlers: {}, groups: { audit: ['bob'] } });
    const view = (name: string, groups: string[] = []) =>
      kit.orchestrator.viewFor({ tenant: 'acme', principal: { name, groups } });
    await view('op').start(approval, { id: 'r' });
    await kit.drain();
    const [task] = await view('op').tasks.list();
    const id = task?.id ?? '';
    const response = { approved: true };
    const posing = view('eve').tasks.respond(id, { response, responder: 'ann' });
    await expect(posing).rejects.toMatchObject({ code: 'principal-mismatch', status: 403 });
    for (const act of [
      () => view('eve').tasks.claim(id, { by: 'ann' }),
      () => view('eve').tasks.release(id, { by: 'ann' }),
      () => view('eve').tasks.delegate(id, { by: 'ann', to: 'eve' }),
      () => view('eve').tasks.assign(id, { by: 'ann', to: 'eve' }),
      () => view('eve').cancel('r', { by: 'ann' }),
      () => view('eve').change.skipNode('r', 'ask', { by: 'ann' }),
      () => view('eve').start(approval, { requestedBy: 'ann' }),
      () => view('eve').annotate('r', {}, { by: 'ann' }),
      () => view('eve').retryNode('r', 'ask', { by: 'ann' }),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'principal-mismatch' });
    }
    const uninvited = view('eve').tasks.respond(id, { response });
    await expect(uninvited).rejects.toMatchObject({ code: 'responder-refused' });
    expect(await view('eve').tasks.list({ answerableBy: 'eve' })).toEqual([]);
    expect(await view('zoe', ['legal']).tasks.list({ answerableBy: 'zoe' })).toHaveLength(1);
    const answered = await kit.orchestrator
      .viewFor({ tenant: 'acme', principal: { name: 'zoe', groups: ['legal'] } })
      .respond(id, { response });
    expect(answered).toMatchObject({ outcome: 'approved', isDecided: true });
    const [given] = await view('op').tasks.responses(id);
    expect(given?.responder).toBe('zoe');
    const events = await view('op').runs.events('r');
    expect(events.find(({ type }) => type === 'task.responded')?.detail.responder).toBe('zoe');
  });

  it('S205 asks for a run under his own name, so that four eyes hold', async () => {
    const kit = await testKit({ handlers: {} });
    const guarded = plan('Two').approval('ask', { fourEyes: true }).build();
    const view = kit.orchestrator.viewFor({ tenant: '', principal: { name: 'ann', groups: [] } });
    await view.start(guarded, { id: 'two' });
    await kit.drain();
    const [task] = await view.tasks.list();
    const own = view.respond(task?.id ?? '', { response: { approved: true } });
    await expect(own).rejects.toMatchObject({ code: 'responder-excluded' });
  });
});
