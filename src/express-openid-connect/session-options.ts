// The options `session` and `session.cookie`.
import type { CookieConfigParams, SessionConfigParams } from './config-params.ts'
import { flag, optionError } from './inside.ts'
import { always, needless, numberIn, type Row, type Rows, refused } from './row.ts'
import { redisOf } from './store.ts'

const DAY = 86_400
/** The longest that this package counts; there, `false` is without an end. */
const TEN_YEARS = 3650 * DAY

const RANDOM_IDS = 'cannot be chosen: ids are random, 256 bits, always; leave it out'
const SIGNED = 'is always so here: a cookie that is not signed can be guessed, or planted; leave it out'

export const SESSION: Rows<Omit<SessionConfigParams, 'cookie'>> = {
  name: (value) =>
    value === undefined
      ? { layer: { sessionName: 'appSession' } }
      : { core: { session: { name: value as string } }, layer: { sessionName: String(value) } },
  store: (value, { redis }) => {
    if (value === undefined || redis !== undefined) return {}
    const found = redisOf(value, process.env.REDIS_URL)
    return found === undefined ? {} : { core: { redis: found } }
  },
  genid: refused('session.genid', RANDOM_IDS),
  signSessionStoreCookie: always('session.signSessionStoreCookie', true, SIGNED),
  requireSignedSessionStoreCookie: always('session.requireSignedSessionStoreCookie', true, SIGNED),
  rolling: durations,
  // With `rolling`, which says how they belong together.
  rollingDuration: needless,
  absoluteDuration: needless,
}

function durations(_value: unknown, { session }: Readonly<Record<string, unknown>>): ReturnType<Row> {
  const { rolling, rollingDuration, absoluteDuration } = { ...(session as SessionConfigParams | undefined) }
  const rolls = flag(rolling, 'session.rolling', true)
  const secondsOf = (value: unknown, option: string, fallback: number) =>
    numberIn(value, option, { fallback, min: 1, max: TEN_YEARS, of: 'seconds' })
  if (!rolls && rollingDuration !== undefined && rollingDuration !== false)
    throw optionError(
      'session.rollingDuration',
      'is for a session that rolls: leave it out, or session.rolling: false',
    )
  if (!rolls && absoluteDuration === false)
    throw optionError(
      'session.absoluteDuration',
      'is false, and session.rolling too: the session would never end; give one of the two',
    )
  const absolute = secondsOf(
    absoluteDuration === false ? TEN_YEARS : absoluteDuration,
    'session.absoluteDuration',
    7 * DAY,
  )
  const idle = rolls ? secondsOf(rollingDuration, 'session.rollingDuration', DAY) : absolute
  const session_ = {
    idleTimeoutSeconds: Math.min(idle, absolute),
    absoluteTimeoutSeconds: absolute,
    ...(!rolls && { touches: () => false }),
  }
  return { core: { session: session_ } }
}

const cookie = (given: object) => ({ core: { session: { cookie: given } } })
const asIs =
  (name: keyof CookieConfigParams): Row =>
  (value) =>
    value === undefined ? {} : cookie({ [name]: value })

export const COOKIE: Rows<CookieConfigParams> = {
  domain: asIs('domain'),
  path: asIs('path'),
  transient: asIs('transient'),
  httpOnly: always(
    'session.cookie.httpOnly',
    true,
    'is always so here: no script has a use for it; leave it out',
  ),
  secure: (value, { baseURL = process.env.BASE_URL }) => {
    const isSecure = /^https:/i.test(String(baseURL))
    if (value === undefined || value === isSecure) return {}
    throw optionError(
      'session.cookie.secure',
      `follows baseURL (BASE_URL), and so is ${isSecure}; leave it out`,
    )
  },
  sameSite: (value) =>
    value === undefined ? {} : cookie({ sameSite: typeof value === 'string' ? value.toLowerCase() : value }),
}
