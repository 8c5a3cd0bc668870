// oidc-provider without its development notices. It writes them straight to the console and has no switch for it:
// what a configuration can avoid, provider-config.ts avoids; the rest (an unsupported Node, devInteractions) come at
// import and in the constructor, and only those lines are kept from the console.
import type { Configuration, default as OidcProvider } from 'oidc-provider'

const NOTICE = /oidc-provider (NOTICE|WARNING): /

/** @returns the way back */
export function muteNotices(): () => void {
  const { info, warn } = console
  const unless = (write: typeof info): typeof info => {
    return (...line: unknown[]) => {
      if (!NOTICE.test(String(line[0]))) write(...line)
    }
  }
  console.info = unless(info)
  console.warn = unless(warn)
  return () => Object.assign(console, { info, warn })
}

const unmute = muteNotices()
const { default: Provider, interactionPolicy } = await import('oidc-provider').finally(unmute)

export { interactionPolicy }

export function createOidcProvider(issuer: string, configuration: Configuration): OidcProvider {
  const unmute = muteNotices()
  try {
    return new Provider(issuer, configuration)
  } finally {
    unmute()
  }
}
