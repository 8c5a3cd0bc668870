// The addresses of this app that are entered at the provider: it shows an error of its own where they differ by a letter.
import { urlBelow } from './app-paths.ts'
import type { Config } from './config.ts'

/** One line, for whoever sets the app up. */
export function addressesToRegister({ baseURL, redirectURI, routes }: Config): string {
  const addresses = [
    `redirect URI ${redirectURI}`,
    `post-logout redirect URI ${urlBelow(baseURL, routes.postLogoutRedirect)}`,
    ...(routes.backchannelLogout === false
      ? []
      : [`back-channel logout URI ${urlBelow(baseURL, routes.backchannelLogout)}`]),
  ]
  return `to be entered at the provider, to the letter: ${addresses.join(', ')}`
}
