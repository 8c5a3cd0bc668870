// The provider of `--scale`, a process of its own, so that its work does not hold up the clocks of the bench.
import type { Hold } from '../../test/support/provider/faults.ts'
import {
  createLogoutClient,
  type LogoutClient,
  startLogoutProvider,
} from '../../test/support/provider/logout-client.ts'
import { answerCalls } from '../calls.mjs'

const provider = await startLogoutProvider()
const clients = new Map<string, LogoutClient>()
let held: Hold | undefined

const methods = {
  /** a client for the app at that address */
  async client(baseURL: string) {
    const client = createLogoutClient(provider)
    await client.register(baseURL)
    clients.set(client.options.clientID, client)
    return client.options
  },
  logoutToken: ({ clientId, claims }: { clientId: string; claims: object }) =>
    clients.get(clientId)?.token(claims),
  /** the next renewal stays here until `release()` */
  hold() {
    held = provider.holdNext('token', { grantType: 'refresh_token' })
  },
  arrived: () => held?.arrived,
  release() {
    held?.release()
  },
  /** what came after the first `from` token requests */
  tokenRequests: (from: number) =>
    provider
      .tokenRequests()
      .slice(from)
      .map(({ at, endedAt }) => ({ at, endedAt })),
}

export type ProviderMethods = typeof methods

answerCalls(methods, provider.issuer)
