// How large a deployment has to be: computed for docs/operating.md from figures that were measured, and from what is assumed there.
// The bytes, commands and connections are held by test/store/capacity.test.ts; the microseconds are of `npm run bench -- --scale redis`.
import { readFileSync } from 'node:fs'

/**
 * @typedef {{ small: number, large: number }} BySize
 * @typedef {'request' | 'touch' | 'renewal' | 'login' | 'logout'} Act
 * @typedef {{
 *   bytes: BySize & { appData: number },
 *   commands: Record<Act | 'appData', number>,
 *   microseconds: Record<Act | 'together', BySize>,
 *   connections: Record<'plain' | 'waitReplicas' | 'nearCache', number>,
 * }} Figures
 */

/** @type {Figures} */
const figures = JSON.parse(readFileSync(new URL('capacity-figures.json', import.meta.url), 'utf8'))

/** @type {readonly Act[]} */
const ACTS = ['request', 'touch', 'renewal', 'login', 'logout']

/** What an app of one's own does differently is put in here. */
const assumed = {
  /** of the sessions that are stored */
  inUse: 0.1,
  secondsBetweenRequests: 10,
  /** an idle time is extended once a minute */
  secondsBetweenTouches: 60,
  renewAfterSeconds: 900,
  secondsBetweenLogins: 86_400,
  /** of a server of Redis; failover, forks and growth have the rest */
  bytesUsed: 16e9,
  workedShare: 0.5,
  requestsOfProcess: 1000,
  tokenRequests: 100,
}

/** @param {number} sessions @param {keyof BySize} size */
function capacityOf(sessions, size) {
  const inUse = sessions * assumed.inUse
  /** @type {Record<Act, number>} */
  const perSecond = {
    request: inUse / assumed.secondsBetweenRequests,
    touch: inUse / assumed.secondsBetweenTouches,
    renewal: inUse / assumed.renewAfterSeconds,
    login: sessions / assumed.secondsBetweenLogins,
    logout: sessions / assumed.secondsBetweenLogins,
  }
  const sum = (/** @type {(act: Act) => number} */ of) =>
    ACTS.reduce((total, act) => total + perSecond[act] * of(act), 0)
  const bytes = sessions * (figures.bytes[size] + figures.bytes.appData)
  const threads = sum((act) => figures.microseconds[act][size]) / 1e6
  const loads = {
    "the provider's limit": (perSecond.renewal + perSecond.login) / assumed.tokenRequests,
    "Redis's one thread": threads / assumed.workedShare,
    "one server's memory": bytes / assumed.bytesUsed,
  }
  const shards = Math.ceil(Math.max(loads["Redis's one thread"], loads["one server's memory"]))
  const processes = Math.max(2, Math.ceil(perSecond.request / assumed.requestsOfProcess))
  return {
    perSecond,
    bytes,
    commands: sum((act) => figures.commands[act]),
    // Fewer than three make no Cluster.
    shards: shards === 1 ? 1 : Math.max(3, shards),
    processes,
    connections: processes * figures.connections.waitReplicas,
    /** what one of it cannot bear, the worst first */
    tooMuch: Object.entries(loads)
      .filter(([, load]) => load > 1)
      .sort(([, one], [, other]) => other - one)
      .map(([name]) => name),
  }
}

export const measured = {
  heading: ['', 'commands', 'Redis works, small tokens', 'large tokens'],
  rows: /** @type {const} */ ([
    ['an ordinary request', 'request'],
    ['the same, with 49 others of the same moment', 'together'],
    ['its idle time extended, at most once a minute', 'touch'],
    ['a renewal, beside the look-up of its request', 'renewal'],
    ['a login, with the page that it ends on', 'login'],
    ['a logout', 'logout'],
  ]).map(([what, act]) => {
    const { small, large } = figures.microseconds[act]
    const commands = act === 'together' ? '1 for all' : `${figures.commands[act]}`
    return [what, commands, `${small} µs`, `${large} µs`]
  }),
}

export const kept = {
  heading: ['', 'small tokens', 'large tokens'],
  rows: [
    [
      'a session, with its two index entries and its part of the tables of keys',
      kilobytes('small'),
      kilobytes('large'),
    ],
    ['500 characters in `req.session`, beside it', kilobytes('appData'), kilobytes('appData')],
  ],
}

export const assumptions = {
  heading: ['assumed', ''],
  rows: [
    ['of all sessions are in use at the busiest time', `${assumed.inUse * 100} %`],
    ['somebody makes a request', `every ${assumed.secondsBetweenRequests} s`],
    ['and logs in and out', `once in ${assumed.secondsBetweenLogins / 3600} hours`],
    ['`renewal.afterSeconds`', `${assumed.renewAfterSeconds}`],
    ['a server of Redis holds, at most', memory(assumed.bytesUsed)],
    ['and works, at most', `${assumed.workedShare * 100} % of the time`],
    ['a process of your app answers', `${number(assumed.requestsOfProcess)} requests/s`],
    ['the provider takes', `${assumed.tokenRequests} token requests/s`],
  ],
}

export const sizes = {
  heading: [
    'sessions',
    'requests/s',
    'renewals/s',
    'Redis commands/s',
    'memory, small and large tokens',
    'servers of Redis',
    'processes',
    'connections to each Redis',
    'too much for one',
  ],
  rows: [1e4, 1e5, 1e6, 1e7, 1e8].map((sessions) => {
    const [small, large] = [capacityOf(sessions, 'small'), capacityOf(sessions, 'large')]
    return [
      number(sessions),
      number(large.perSecond.request),
      number(large.perSecond.renewal),
      number(large.commands),
      `${memory(small.bytes)}, ${memory(large.bytes)}`,
      large.shards === 1 ? '1 and a replica' : `${number(large.shards)}, and a replica of each`,
      number(large.processes),
      number(large.connections),
      large.tooMuch.join(', ') || 'nothing',
    ]
  }),
}

/** @param {keyof Figures['bytes']} what */
function kilobytes(what) {
  return `${figures.bytes[what] / 1000} kB`
}

/** Two digits say enough. @param {number} value */
function number(value) {
  return Number(value.toPrecision(2)).toLocaleString('en-US', { maximumFractionDigits: 1 })
}

/** @param {number} bytes */
function memory(bytes) {
  return bytes < 1e9 ? `${number(bytes / 1e6)} MB` : `${number(bytes / 1e9)} GB`
}
