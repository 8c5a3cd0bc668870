// One login on its way: kept in a sealed cookie of its own, so that two tabs do not disturb each other.
import { createHash, randomBytes } from 'node:crypto'
import type { CookieOptions } from 'express'
import { RefusedError } from '../errors.ts'
import { createSealer } from '../lib/seal.ts'
import type { Config } from '../options/config.ts'
import type { StepUp } from '../record/step-up.ts'
import type { CookieChange, RequestCookies } from './cookies.ts'

/** What the callback needs to know of the request that began the login (RFC 9700 §2.1.1, §4.7.1). */
export interface LoginTransaction {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  /** Compared with the configured one at the callback: RFC 9700 §4.4.2. */
  readonly issuer: string
  readonly returnTo: string
  /** Milliseconds by the store's clock. */
  readonly startedAt: number
  /** What was asked of the person's authentication, and of whom, if anybody was logged in. */
  readonly stepUp?: StepUp & { readonly sub: string | undefined }
  /** Nobody was to be asked anything: whoever is not logged in at the provider goes on as they are. */
  readonly silent?: true
  /** What the provider posted, where it answers by a form. */
  readonly posted?: string
}

export const LOGIN_SECONDS = 600
/** Logins that one browser may have on their way; the oldest makes room. */
export const MOST_LOGINS = 5
/**
 * Browsers drop a cookie of more than 4096 bytes. All logins together stay below it too: a Cookie header over some
 * 8 kB is refused by common proxies, and then the browser is locked out.
 */
const MOST_BYTES = 3900
/** Each cookie that is dropped is a line of the answer, and proxies bound those as well. */
const MOST_DROPPED = 30
/** Of the state's hash, in a cookie's name. */
const NAME_LETTERS = 16

/** How a login differs from an ordinary one. */
export type LoginWishes = Pick<LoginTransaction, 'stepUp' | 'silent'>

export interface LoginTransactions {
  create(returnTo: string, now: number, wishes?: LoginWishes): LoginTransaction
  /** The cookies that remember a login, and those that make room for it. */
  remember(transaction: LoginTransaction, cookies: RequestCookies): CookieChange[]
  /** The transaction that this browser began with `state`, whatever its age. */
  find(state: string, cookies: RequestCookies): LoginTransaction | undefined
  forget(state: string): CookieChange
  isExpired(transaction: LoginTransaction, now: number): boolean
}

export function createLoginTransactions(config: Config): LoginTransactions {
  const sealer = createSealer(config.secrets, 'login transaction')
  const prefix = `${config.session.name}-login-`
  // The provider's POST to the callback is cross-site, and only a SameSite=None cookie comes with it; browsers keep
  // one only if it is Secure, on http://localhost too.
  const crossSite = config.formPost ? ({ sameSite: 'none', secure: true } as const) : {}
  const options: CookieOptions = { ...config.session.cookie, sameSite: 'lax', ...crossSite }
  const nameOf = (state: string) => prefix + hashState(state).slice(0, NAME_LETTERS)
  // What a sibling site planted under another kind of name is left alone: not every name can be dropped.
  const isOurs = (name: string) =>
    name.startsWith(prefix) && /^[\w-]+$/.test(name) && name.length <= prefix.length + NAME_LETTERS

  function open(name: string, value: string): LoginTransaction | undefined {
    const text = sealer.open(value, name)
    return text === undefined ? undefined : (JSON.parse(text) as LoginTransaction)
  }

  return {
    create(returnTo, now, wishes) {
      const [state, nonce, codeVerifier] = [random(), random(), random()]
      return { state, nonce, codeVerifier, issuer: config.issuer.href, returnTo, startedAt: now, ...wishes }
    },

    remember(transaction, cookies) {
      const name = nameOf(transaction.state)
      let value = sealer.seal(JSON.stringify(transaction), name)
      // The page to return to gives way first: without it the login still ends well.
      if (value.length > MOST_BYTES)
        value = sealer.seal(JSON.stringify({ ...transaction, returnTo: '' }), name)
      if (value.length > MOST_BYTES)
        throw new RefusedError(
          'content_too_large',
          413,
          'What a login has to remember is too long for a cookie.',
        )
      const drop = tooMany(name, cookies, value.length).map((old) => ({
        name: old,
        value: undefined,
        options,
      }))
      return [...drop, { name, value, options: { ...options, maxAge: LOGIN_SECONDS * 1000 } }]
    },

    find(state, cookies) {
      const name = nameOf(state)
      for (const [candidate, value] of cookies) {
        const transaction = candidate === name ? open(name, value) : undefined
        if (transaction?.state === state) return transaction
      }
      return undefined
    },

    forget: (state) => ({ name: nameOf(state), value: undefined, options }),

    isExpired: (transaction, now) => now - transaction.startedAt > LOGIN_SECONDS * 1000,
  }

  /** Names of the logins that have to go before one more is remembered: the oldest, and what does not open. */
  function tooMany(name: string, cookies: RequestCookies, bytes: number): string[] {
    const begun = cookies
      .filter(([other]) => isOurs(other) && other !== name)
      .map(([name, value]) => ({ name, bytes: value.length, startedAt: open(name, value)?.startedAt ?? 0 }))
      .sort((a, b) => b.startedAt - a.startedAt)
    let sum = bytes
    const keep = begun.slice(0, MOST_LOGINS - 1).filter((login) => {
      sum += login.bytes
      return login.startedAt > 0 && sum <= MOST_BYTES
    })
    const drop = begun.filter((login) => !keep.includes(login)).map(({ name }) => name)
    return drop.slice(0, MOST_DROPPED)
  }
}

export function hashState(state: string): string {
  return createHash('sha256').update(state).digest('base64url')
}

function random(): string {
  return randomBytes(32).toString('base64url')
}
