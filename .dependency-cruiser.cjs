/** Imports run one way: plan <- machines <- actors <- http, cli. Storage is reached through the ports. */
const inside = (folder) => ({ path: `^src/${folder}/` });

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'plan-knows-nobody',
      severity: 'error',
      from: inside('plan'),
      to: { path: '^src/', pathNot: '^src/(plan/|errors[.]ts)' },
    },
    {
      name: 'machines-know-plans',
      severity: 'error',
      from: inside('machines'),
      to: { path: '^src/', pathNot: '^src/(machines|plan)/' },
    },
    {
      name: 'machines-do-no-io',
      severity: 'error',
      from: inside('machines'),
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'actors-know-ports-only',
      severity: 'error',
      from: inside('actors'),
      to: { path: '^src/(persistence|http|cli|testing|index|orchestrator)' },
    },
    {
      name: 'persistence-knows-records-only',
      severity: 'error',
      from: inside('persistence'),
      to: {
        path: '^src/',
        pathNot:
          '^src/(persistence/|storage/|machines/|actors/(access-records|delivery-records|payload-name|ports|records|tenant)[.]ts|errors[.]ts|recent-map[.]ts)',
      },
    },
    {
      name: 'storage-is-a-port',
      severity: 'error',
      from: { path: '^src/storage/', pathNot: '^src/storage/index[.]ts$' },
      to: {
        path: '^src/',
        pathNot: '^src/(storage/|machines/|actors/(delivery-records|ports|records)[.]ts)',
      },
    },
    {
      name: 'isolates-know-handlers',
      severity: 'error',
      from: inside('isolation'),
      to: {
        path: '^src/',
        pathNot:
          '^src/(isolation/|plan/|actors/(handlers|lifecycle|trace-context|streams/chunk)[.]ts|telemetry/active-trace[.]ts|errors[.]ts)',
      },
    },
    {
      name: 'workers-need-no-kernel',
      severity: 'error',
      from: inside('worker'),
      to: {
        path: '^src/',
        pathNot:
          '^src/(worker/|plan/handler-reference[.]ts|actors/(handlers|lifecycle|streams/chunk)[.]ts|errors[.]ts)',
      },
    },
    {
      name: 'schedules-know-ports',
      severity: 'error',
      from: inside('schedules'),
      to: {
        path: '^src/',
        pathNot:
          '^src/(schedules/|plan/|machines/|actors/(environment|ports|handlers|records|tenant)[.]ts|(errors|durable|in-turn|read-arguments)[.]ts)',
      },
    },
    {
      name: 'embedded-runs-only-read',
      severity: 'error',
      from: inside('embedding'),
      to: {
        path: '^src/',
        pathNot:
          '^src/(embedding/|plan/|machines/|actors/(environment|handlers|live-index)[.]ts|errors[.]ts|views[.]ts|run-[a-z-]+[.]ts|start-options[.]ts)',
      },
    },
    {
      name: 'delivery-knows-ports',
      severity: 'error',
      from: inside('delivery'),
      to: {
        path: '^src/',
        pathNot:
          '^src/(delivery/|plan/|actors/(environment|ports|handlers|records|delivery-records|live-index|fifo|heap|tenant|trace-context)[.]ts|(errors|read-arguments|views|row-views|change-signal|in-turn)[.]ts)',
      },
    },
    {
      name: 'clients-know-nobody',
      comment: 'runs in browsers: fetch, and nothing of Node or of the kernel',
      severity: 'error',
      from: inside('client'),
      to: { pathNot: '^src/client/' },
    },
    {
      name: 'nobody-tests-in-production',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(testing|explain)/' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'explanations-are-on-top',
      severity: 'error',
      from: { path: '^src/(plan|machines|actors|persistence|schedules|isolation)/' },
      to: { path: '^src/explain/' },
    },
    {
      name: 'why-only-reads',
      severity: 'error',
      from: { path: '^src/explain/(why|run-facts|plan-paths|cause|expression-reads)' },
      to: {
        path: '^src/',
        pathNot:
          '^src/(explain/|plan/|machines/|views[.]ts|errors[.]ts|actors/records[.]ts|actors/run/failure-policy[.]ts)',
      },
    },
    {
      name: 'inspection-only-reads',
      severity: 'error',
      from: inside('inspect'),
      to: {
        path: '^src/',
        pathNot:
          '^src/(inspect/|plan/|machines/|change/plan-at[.]ts|actors/records[.]ts|run-reader[.]ts|storage/[a-z-]+[.]ts|(errors|read-arguments)[.]ts)',
      },
    },
    {
      name: 'http-and-cli-use-the-api',
      severity: 'error',
      from: { path: '^src/(http|cli)/' },
      to: { path: '^src/(actors|persistence)/' },
    },
    {
      name: 'tools-use-the-api',
      severity: 'error',
      from: inside('mcp'),
      to: { path: '^src/(actors|persistence|http|cli)/' },
    },
    {
      name: 'nobody-imports-the-barrel',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli)/' },
      to: { path: '^src/index[.]ts$' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        path: '^src/',
        pathNot: ['^src/index[.]ts$', '^src/cli/main[.]ts$', 'journal-worker[.]ts$'],
      },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    extraExtensionsToScan: [],
  },
};
