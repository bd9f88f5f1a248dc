/**
 * A process whose handler brings a large artifact, and whose judge never says anything. Prints what is
 * called, until it is killed.
 */
import { appendFileSync } from 'node:fs';
import { createOrchestrator } from '../../../src/create-orchestrator.js';
import type { Plan } from '../../../src/plan/schema.js';

const [database = '', journal = '', plan = ''] = process.argv.slice(2);

const say = (what: string) => {
  appendFileSync(journal, `${what}\n`);
  process.stdout.write(`${what}\n`);
};

const orchestrator = await createOrchestrator({
  url: database,
  handlers: {
    work: (_input: unknown, { key }: { key: string }) => {
      say(`work ${key}`);
      return {
        ok: true,
        output: 1,
        artifacts: [{ name: 'a', kind: 'b', payload: 'é'.repeat(70_000) }],
      };
    },
    judge: (_input: unknown, { key }: { key: string }) => {
      say(`judge ${key}`);
      return new Promise(() => {});
    },
  },
});
await orchestrator.start(JSON.parse(plan) as Plan, { id: 'r1' });
