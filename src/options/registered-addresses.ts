// The addresses of this app that are entered at the provider: it shows an error of its own where they differ by a letter.
import { urlBelow } from './app-paths.ts'
import type { Config } from './config.ts'

/** The addresses of this app, as far as its provider knows them. */
export type Addressed = Pick<Config, 'baseURL' | 'redirectURI' | 'routes' | 'otherAddresses'>

export function postLogoutURI({ baseURL, routes }: Pick<Addressed, 'baseURL' | 'routes'>): string {
  return urlBelow(baseURL, routes.postLogoutRedirect).href
}

/** @returns undefined where the route is off */
export function backchannelLogoutURI({ baseURL, routes }: Addressed): string | undefined {
  return routes.backchannelLogout === false ? undefined : urlBelow(baseURL, routes.backchannelLogout).href
}

/** The app's own, the first one first. Of the back-channel logout one is enough: they share their sessions. */
export function everyAddress(config: Addressed): readonly Omit<Addressed, 'otherAddresses'>[] {
  const { routes, otherAddresses } = config
  return [config, ...otherAddresses.map((address) => ({ ...address, routes }))]
}

export const toEnter = (address: string) => `enter ${address} at the provider, to the letter`

/** One line, for whoever sets the app up. */
export function addressesToRegister(config: Addressed & Pick<Config, 'providerName'>): string {
  const backchannel = backchannelLogoutURI(config)
  const addresses = [
    ...everyAddress(config).flatMap((one) => [
      `redirect URI ${one.redirectURI}`,
      `post-logout redirect URI ${postLogoutURI(one)}`,
    ]),
    ...(backchannel === undefined ? [] : [`back-channel logout URI ${backchannel}`]),
  ]
  const which = config.providerName === undefined ? '' : ` '${config.providerName}'`
  return `to be entered at the provider${which}, to the letter: ${addresses.join(', ')}`
}
