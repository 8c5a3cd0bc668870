// The addresses of this app that are entered at the provider: it shows an error of its own where they differ by a letter.
import { urlBelow } from './app-paths.ts'
import type { Config } from './config.ts'

/** The addresses of this app, as far as its provider knows them. */
export type Addressed = Pick<Config, 'baseURL' | 'redirectURI' | 'routes'>

export function postLogoutURI({ baseURL, routes }: Addressed): string {
  return urlBelow(baseURL, routes.postLogoutRedirect).href
}

/** @returns undefined where the route is off */
export function backchannelLogoutURI({ baseURL, routes }: Addressed): string | undefined {
  return routes.backchannelLogout === false ? undefined : urlBelow(baseURL, routes.backchannelLogout).href
}

export const toEnter = (address: string) => `enter ${address} at the provider, to the letter`

/** One line, for whoever sets the app up. */
export function addressesToRegister(config: Addressed): string {
  const backchannel = backchannelLogoutURI(config)
  const addresses = [
    `redirect URI ${config.redirectURI}`,
    `post-logout redirect URI ${postLogoutURI(config)}`,
    ...(backchannel === undefined ? [] : [`back-channel logout URI ${backchannel}`]),
  ]
  return `to be entered at the provider, to the letter: ${addresses.join(', ')}`
}
