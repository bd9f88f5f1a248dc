import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testKit } from 'runchart/testing';
import { handlers, invoice } from './plan.mjs';

const input = { customer: 'Ada', hours: 2 };

test('nothing is sent before somebody has looked at it', async () => {
  const kit = await testKit({ handlers });
  const run = await kit.run(invoice, { input });
  assert.equal(run.status, 'awaiting-human');
  assert.equal(run.log.find('node.started', { node: 'send' }), undefined);
  await kit.respond(run, 'check', { approved: true });
  assert.deepEqual(run.outputs.send, { sent: 'Ada: 180 EUR' });
});

test('nothing is sent at all where that is refused', async () => {
  const kit = await testKit({ handlers });
  const run = await kit.run(invoice, { input });
  await kit.respond(run, 'check', { approved: false });
  assert.equal(run.nodes.send, 'skipped');
});

test('a mail server that is down for half an hour is waited for', async () => {
  const kit = await testKit({ handlers });
  kit.faults.handler('send', { throws: new Error('connection refused'), times: 4 });
  const run = await kit.run(invoice, { input });
  await kit.respond(run, 'check', { approved: true });
  assert.equal(run.status, 'completed');
  assert.equal(run.log.filter('attempt.failed', { node: 'send' }).length, 4);
});

test('a crash at any moment loses nothing and asks nobody twice', async () => {
  for (let afterCommits = 1; afterCommits < 8; afterCommits += 1) {
    const kit = await testKit({ handlers });
    kit.faults.crash({ afterCommits });
    const run = await kit.run(invoice, { input });
    await kit.respond(run, 'check', { approved: true });
    assert.equal(run.status, 'completed', run.log.print());
    assert.equal(run.log.filter('task.opened').length, 1);
  }
});
