// Logins that began at another host than baseURL's: their cookies stay with that host, and no callback finds them.
import { hashState } from '../cookies/login-state.ts'
import type { Operations } from '../events/operations.ts'
import { hostOf } from '../http/host.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Config } from '../options/config.ts'
import { isBelow } from '../options/session-cookie.ts'
import type { RequestContext } from '../session/request-context.ts'

/** Strangers can begin logins without end. */
const MOST_NOTED = 100

/** Of each `auth()`: whichever provider the login was with. */
const noted = new WeakMap<Operations, BoundedMap<string, string>>()

export function noteHost(
  { config, operations, req }: Pick<RequestContext, 'config' | 'operations' | 'req'>,
  state: string,
): void {
  const host = hostOf(req)
  if (host === undefined || host === config.baseURL.host) return
  const { domain } = config.session.cookie
  if (domain !== undefined && isBelow(host.replace(/:\d+$/, ''), domain)) return
  const hosts = noted.get(operations) ?? new BoundedMap(MOST_NOTED)
  noted.set(operations, hosts)
  hosts.set(hashState(state), host)
}

/** @returns for operators, where the login of that state is known to have begun elsewhere */
export function hostFault(
  { config, operations }: Pick<RequestContext, 'config' | 'operations'>,
  state: string,
): string | undefined {
  const host = noted.get(operations)?.get(hashState(state))
  if (host === undefined) return undefined
  const shown = /^[\w.:[\]-]{1,100}$/.test(host) ? host : 'another host'
  return `the login began at ${shown}, and its cookie is kept for that host, but baseURL (BASE_URL) is ${addressesOf(config)}: open the app there, or change baseURL; behind a proxy, have it pass the host on`
}

function addressesOf({ baseURL, otherAddresses }: Config): string {
  const all = [baseURL, ...otherAddresses.map((address) => address.baseURL)].map(({ origin }) => origin)
  return all.length === 1 ? baseURL.origin : `one of ${all.slice(0, 10).join(', ')}`
}
