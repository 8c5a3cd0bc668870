// `bff.sessions`: everybody's, at whichever provider they logged in.
import { ConfigurationError } from '../errors/errors.ts'
import { group, onlyKnown } from '../options/read-option.ts'
import { isTenantID } from '../options/tenants.ts'
import type { Realms } from './realms.ts'
import type { Services } from './services.ts'
import type { SessionEntry } from './session-entry.ts'

/** A person: their `sub`; where there are several providers or tenants, also at which, since each has names of its own. */
export type Who =
  | string
  | {
      readonly sub: string
      /** Its name in `providers`. */
      readonly provider?: string | undefined
      /** Its key, as `tenant.key` answers. */
      readonly tenant?: string | undefined
      /** Their tenant of Entra ID (`req.oidc.user.tid`), where the option `tenants` lets in the people of several. */
      readonly tid?: string | undefined
    }

/**
 * Everybody's sessions, for logout everywhere. A session that was ended stays ended, whatever was in flight.
 *
 * @example const ended = await bff.sessions.revokeAll('alice')
 * @example const ended = await bff.sessions.revokeAll({ sub: 'alice', provider: 'staff' })
 * @throws ConfigurationError where there are several providers or tenants, and none that there is was named
 */
export interface Sessions {
  /** A person's sessions, the newest 100 of them. @throws TryLaterError */
  list(who: Who): Promise<SessionEntry[]>
  /**
   * Ends a session, and revokes its refresh token (`revokeOnLogout`): at some providers that ends the person's other
   * sessions too, when they are due. False where there is none.
   *
   * @throws TryLaterError
   */
  revoke(id: string, of?: { readonly tenant?: string | undefined }): Promise<boolean>
  /** Ends all sessions of a person; says how many. @throws TryLaterError: then some may be left, and asking again is safe */
  revokeAll(who: Who): Promise<number>
}

type Realm = Pick<Services, 'config' | 'sessions' | 'store'>

/**
 * @internal
 * @param realmsOf of that tenant; what it does not know it throws
 */
export function createSessions(
  realmsOf: (tenant: string | undefined, asked: string) => Realms<Realm> | Promise<Realms<Realm>>,
): Sessions {
  return Object.freeze({
    async list(who: Who) {
      const { sub, tid, realm } = await find(who, 'sessions.list()')
      return realm.sessions.list(sub, tid)
    },

    async revoke(id: string, of: { readonly tenant?: string | undefined } = {}) {
      const asked = 'sessions.revoke()'
      // As of `ids.map(sessions.revoke)`, which gives a number too.
      const { tenant } = typeof of === 'number' ? {} : named(of, ['tenant'], asked)
      const realms = await realmsOf(tenant, asked)
      if (realms.all.length === 1 || typeof id !== 'string') return realms.first.sessions.revoke(id)
      const found = (await realms.first.store.find(id)).value
      return found !== undefined && realms.of(found.record).sessions.revoke(id)
    },

    async revokeAll(who: Who) {
      const { sub, tid, realm } = await find(who, 'sessions.revokeAll()')
      return realm.sessions.revokeAll(sub, tid)
    },
  })

  async function find(
    who: Who,
    asked: string,
  ): Promise<{ sub: string; tid: string | undefined; realm: Realm }> {
    const given: Partial<Record<string, string>> = saysWho(who) ? named(who, PARTS, asked) : { sub: who }
    const { sub, provider, tenant, tid } = given
    const realm = realmIn(await realmsOf(tenant, asked), provider, asked)
    checkTenantID(tid, realm, asked)
    return { sub: sub as string, tid, realm }
  }
}

const PARTS = ['sub', 'provider', 'tenant', 'tid']

/** What somebody sent in a query, such as a list or an object, is nobody's name, as before there were several. */
function saysWho(who: Who): who is Exclude<Who, string> {
  return typeof who === 'object' && who !== null && PARTS.some((name) => Object.hasOwn(who, name))
}

/** The same `sub` in two tenants is two people. */
function checkTenantID(tid: string | undefined, { config }: Realm, asked: string): void {
  const isOfMany = config.issuerTenants !== undefined
  if (isOfMany ? isTenantID(tid) : tid === undefined) return
  const fault = isOfMany
    ? `needs the tid of the person's tenant, a GUID such as that of req.oidc.user.tid, and was given ${tid === undefined ? 'none' : 'something else'}`
    : 'was given a tid, and the provider has one issuer (tenants)'
  throw new ConfigurationError('invalid_option', `${asked} ${fault}`)
}

/** The same `sub` at two providers is two people. */
function realmIn(realms: Realms<Realm>, provider: string | undefined, asked: string): Realm {
  const found = provider === undefined ? realms.first : realms.byName(provider)
  if (found !== undefined && (provider !== undefined || realms.all.length === 1)) return found
  const names = realms.all.flatMap(({ config }) => config.providerName ?? [])
  const one =
    names.length === 0 ? 'none: there is one provider, which has no name' : `one of ${names.join(', ')}`
  const given = provider === undefined ? 'was given none' : 'was given another'
  throw new ConfigurationError('invalid_option', `${asked} needs a provider, ${one}, and ${given}`)
}

/** A misspelt name would be left out, and somebody else's sessions be meant. */
function named(given: object, names: readonly string[], asked: string): Partial<Record<string, string>> {
  const all = group(given, asked)
  onlyKnown(all, names, `${asked} `)
  return all as Partial<Record<string, string>>
}
