// The logins that a browser has under way: each is kept in a sealed cookie of its own, so that two tabs do not disturb each other.
import { randomInt } from 'node:crypto'
import type { CookieOptions } from 'express'
import { RefusedError } from '../errors/errors.ts'
import { createSealer, sealedLength } from '../lib/seal.ts'
import type { Config, RealmConfig } from '../options/config.ts'
import type { CookieChange, RequestCookies } from './cookies.ts'
import { createState, random } from './login-state.ts'
import type { LoginTransaction, LoginWishes } from './login-transaction.ts'

/** Logins that one browser may have under way: so many cookies, with fixed names. */
export const MOST_LOGINS = 5
/**
 * Proxies refuse a Cookie header of some 8 kB, and then the browser is locked out. Requests at the same moment do not see
 * each other's cookies, so the bound is each cookie's own: one may be long, below the 4096 bytes that browsers keep, and one
 * may have a page's address of some 700 letters.
 */
const SLOT_BYTES = [3700, 1400, 600, 600, 600]
/** Each cookie that is dropped is a line of the answer, and proxies bound those as well. */
const MOST_DROPPED = 30
/** Of cookies that look like a login's. */
const MOST_OPENED = 40
/** Of a name, after what all of them begin with. */
const MOST_LETTERS = 16

export interface LoginTransactions {
  create(
    realm: Pick<RealmConfig, 'issuer' | 'providerName'>,
    returnTo: string,
    now: number,
    wishes?: LoginWishes,
  ): LoginTransaction
  /** The cookies that remember a login, and those that make room for it. */
  remember(transaction: LoginTransaction, cookies: RequestCookies): CookieChange[]
  /** What this browser has under way, whatever its age. */
  underWay(cookies: RequestCookies): LoginTransaction[]
  /** The transaction that this browser began with `state`, whatever its age. */
  find(state: string, cookies: RequestCookies): LoginTransaction | undefined
  forget(state: string, cookies: RequestCookies): CookieChange[]
  forgetAll(cookies: RequestCookies): CookieChange[]
  isExpired(transaction: LoginTransaction, now: number): boolean
}

/** A cookie with the name of a login's; without a transaction, what does not open. */
interface LoginCookie {
  readonly name: string
  readonly transaction: LoginTransaction | undefined
}

/** @param formPost whether the provider, or one of several, answers by a form */
export function createLoginTransactions(
  config: Pick<Config, 'secrets' | 'login' | 'session' | 'formPost'>,
  formPost = config.formPost,
): LoginTransactions {
  const sealer = createSealer(() => config.secrets, 'login transaction')
  const { timeoutSeconds } = config.login
  const prefix = `${config.session.name}-login-`
  const slots = SLOT_BYTES.map((bytes, slot) => ({ name: `${prefix}${slot}`, bytes }))
  // The provider's POST to the callback is cross-site, and only a SameSite=None cookie comes with it; browsers keep
  // one only if it is Secure, on http://localhost too.
  const crossSite = formPost ? ({ sameSite: 'none', secure: true } as const) : {}
  const options: CookieOptions = { ...config.session.cookie, sameSite: 'lax', ...crossSite }
  // What a sibling site planted under another kind of name is left alone: not every name can be dropped.
  const isOurs = (name: string) =>
    name.startsWith(prefix) && /^[\w-]+$/.test(name) && name.length <= prefix.length + MOST_LETTERS

  const isFixed = (name: string) => slots.some((slot) => slot.name === name)

  function read(cookies: RequestCookies): LoginCookie[] {
    const ours = cookies.filter(([name]) => isOurs(name))
    // Whatever is planted before them, ours are opened.
    return [...ours.filter(([name]) => isFixed(name)), ...ours.filter(([name]) => !isFixed(name))]
      .slice(0, MOST_OPENED)
      .map(([name, value]) => {
        const text = sealer.open(value, name)
        return { name, transaction: text === undefined ? undefined : (JSON.parse(text) as LoginTransaction) }
      })
  }

  /** The smallest that is free; by chance: of tabs that are restored together, no two should take the same. */
  function freeSlot(bytes: number, taken: readonly LoginCookie[]): string | undefined {
    const free = slots.filter((slot) => slot.bytes >= bytes && !taken.some(({ name }) => name === slot.name))
    const smallest = free.filter((slot) => slot.bytes === free.at(-1)?.bytes)
    return smallest[randomInt(Math.max(1, smallest.length))]?.name
  }

  function oldestSlot(bytes: number, taken: readonly LoginCookie[]): string | undefined {
    const fitting = taken.filter(({ name }) =>
      slots.some((slot) => slot.name === name && slot.bytes >= bytes),
    )
    return fitting.sort((a, b) => startOf(a) - startOf(b))[0]?.name
  }

  const drop = (name: string): CookieChange => ({ name, value: undefined, options })

  return {
    create({ issuer, providerName: provider }, returnTo, now, { attempts, ...wishes } = {}) {
      return {
        state: createState(attempts),
        nonce: random(),
        codeVerifier: random(),
        issuer: issuer.href,
        ...(provider !== undefined && { provider }),
        returnTo,
        startedAt: now,
        ...wishes,
      }
    },

    remember(transaction, cookies) {
      const all = read(cookies)
      const taken = all.filter(({ name, transaction }) => isFixed(name) && transaction !== undefined)
      // What is planted makes room, and so does the same login, which is remembered with more than before.
      const useless = all.filter(
        (each) => each.transaction === undefined || each.transaction.state === transaction.state,
      )
      const others = taken.filter((each) => !useless.includes(each))
      const living = others.filter((each) => transaction.startedAt - startOf(each) <= timeoutSeconds * 1000)
      // What may be missing gives way first: without it the login still ends well, and so do those that have the slots.
      const { carried, ...own } = transaction
      const shorter = [own.returnTo, withoutQuery(own.returnTo), ''].map((returnTo) => ({ ...own, returnTo }))
      for (const findSlot of [freeSlot, oldestSlot]) {
        for (const one of carried ? [transaction, ...shorter] : shorter) {
          const text = JSON.stringify(one)
          const name = findSlot(sealedLength(text), living)
          if (name === undefined) continue
          // Under one name there may be a planted cookie beside one of ours, and ours is what would go.
          const stays = [name, ...others.map((each) => each.name)]
          const dropped = useless.filter((each) => !stays.includes(each.name)).slice(0, MOST_DROPPED)
          return [
            ...dropped.map((each) => drop(each.name)),
            { name, value: sealer.seal(text, name), options: { ...options, maxAge: timeoutSeconds * 1000 } },
          ]
        }
      }
      throw new RefusedError(
        'content_too_large',
        413,
        'What a login has to remember is too long for a cookie.',
      )
    },

    underWay: (cookies) => read(cookies).flatMap(({ transaction }) => transaction ?? []),

    find: (state, cookies) =>
      read(cookies).find(({ transaction }) => transaction?.state === state)?.transaction,

    forget: (state, cookies) =>
      read(cookies)
        .filter(({ transaction }) => transaction?.state === state)
        .map(({ name }) => drop(name)),

    forgetAll: (cookies) =>
      read(cookies)
        .filter(({ transaction }) => transaction !== undefined)
        .map(({ name }) => drop(name)),

    isExpired: (transaction, now) => now - transaction.startedAt > timeoutSeconds * 1000,
  }
}

function withoutQuery(path: string): string {
  return path.replace(/\?.*/s, '')
}

const startOf = ({ transaction }: LoginCookie) => transaction?.startedAt ?? 0
