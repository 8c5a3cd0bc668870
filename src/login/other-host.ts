// Logins that began at another host than baseURL's: their cookies stay with that host, and no callback finds them.
import { hashState } from '../cookies/login-state.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Config } from '../options/config.ts'
import { isBelow } from '../options/session-cookie.ts'
import type { RequestContext } from '../session/request-context.ts'

/** Strangers can begin logins without end. */
const MOST_NOTED = 100

const noted = new WeakMap<Config, BoundedMap<string, string>>()

export function noteHost({ config, req }: Pick<RequestContext, 'config' | 'req'>, state: string): void {
  const { host } = req.headers
  if (host === undefined || host === config.baseURL.host) return
  const { domain } = config.session.cookie
  if (domain !== undefined && isBelow(host.replace(/:\d+$/, ''), domain)) return
  const hosts = noted.get(config) ?? new BoundedMap(MOST_NOTED)
  noted.set(config, hosts)
  hosts.set(hashState(state), host)
}

/** @returns for operators, where the login of that state is known to have begun elsewhere */
export function hostFault({ config }: Pick<RequestContext, 'config'>, state: string): string | undefined {
  const host = noted.get(config)?.get(hashState(state))
  if (host === undefined) return undefined
  const shown = /^[\w.:[\]-]{1,100}$/.test(host) ? host : 'another host'
  return `the login began at ${shown}, and its cookie is kept for that host, but baseURL (BASE_URL) is ${config.baseURL.origin}: open the app there, or change baseURL; behind a proxy, have it pass the host on`
}
