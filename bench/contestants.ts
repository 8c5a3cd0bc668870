// Who takes part.
export interface Contestant {
  /** as in bench/baseline.json */
  readonly name: string
  readonly title: string
  /** in bench/servers */
  readonly file: string
  readonly options: Record<string, unknown>
  /** there is nobody to log in */
  readonly open?: boolean
  /** takes part where it is named */
  readonly onlyNamed?: boolean
  /** its own database on the one Redis; undefined keeps nothing there */
  readonly database?: number
}

export const BARE = 'bare'
export const OURS = 'ours'
export const NEAR_CACHE = 'ours-near-cache'

export const CONTESTANTS: readonly Contestant[] = [
  { name: BARE, title: 'bare Express 5', file: 'bare.mjs', options: {}, open: true },
  {
    // What `auth()` does for the app around it, by itself.
    name: 'bare-shared',
    title: 'bare Express 5, its hidden classes shared',
    file: 'bare.mjs',
    options: { sharedHiddenClasses: true },
    open: true,
  },
  {
    name: 'express-session',
    title: 'express-session + connect-redis + ioredis',
    file: 'express-session.mjs',
    options: {},
    database: 1,
  },
  {
    name: 'eoc-redis',
    title: 'express-openid-connect, store on Redis',
    file: 'express-openid-connect.mjs',
    options: { store: true },
    database: 2,
  },
  {
    name: 'eoc-cookie',
    title: 'express-openid-connect, cookie',
    file: 'express-openid-connect.mjs',
    options: { store: false },
  },
  {
    name: 'hand-written',
    title: 'hand-written: one signed cookie, one key',
    file: 'hand-written.mjs',
    options: {},
    database: 4,
  },
  { name: OURS, title: 'express-bff-session', file: 'ours.mjs', options: {}, database: 5 },
  {
    name: NEAR_CACHE,
    title: 'express-bff-session, nearCache',
    file: 'ours.mjs',
    options: { nearCache: true },
    database: 6,
  },
  {
    name: 'ours-sdk',
    title: 'express-bff-session in an app with OpenTelemetry',
    file: 'ours.mjs',
    options: { sdk: 'metrics and traces' },
    database: 7,
    onlyNamed: true,
  },
  {
    name: 'ours-telemetry',
    title: 'the same, instrumented',
    file: 'ours.mjs',
    options: { sdk: 'metrics and traces', telemetry: true },
    database: 8,
    onlyNamed: true,
  },
  {
    name: 'ours-metrics',
    title: 'express-bff-session, instrumented, metrics only',
    file: 'ours.mjs',
    options: { sdk: 'metrics', telemetry: true },
    database: 9,
    onlyNamed: true,
  },
]
