/** The layers of DESIGN: schema <- proxy, schema <- dashboard; nothing imports test; no cycles. */
const only = (name, path, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^(schema|proxy|dashboard)/', pathNot: path },
  to: { path: `node_modules/(${name.replace('only-one-imports-', '')})/` },
});
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'schema-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^schema/' },
      to: { path: '^(proxy|dashboard|test)/' },
    },
    {
      name: 'proxy-imports-schema-only',
      severity: 'error',
      from: { path: '^proxy/' },
      to: { path: '^(dashboard|test)/' },
    },
    {
      name: 'dashboard-imports-schema-only',
      severity: 'error',
      from: { path: '^dashboard/' },
      to: { path: '^(proxy|test)/' },
    },
    only('only-one-imports-@clickhouse/client', '^schema/src/db\\.ts$', 'openDb is the one door to ClickHouse'),
    only('only-one-imports-@redis/client', '^proxy/src/limits/redis-link\\.ts$', 'RedisLink is the one door to Redis'),
    only('only-one-imports-chdb', '^schema/src/store/', 'only the store holds the engine'),
    only('only-one-imports-chart.js', '^dashboard/src/lib/charts/', 'Chart.svelte alone owns chart.js'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|build|\\.svelte-kit)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
