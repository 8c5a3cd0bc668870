// The bank as `npm start` opens it: with its development provider and its API, on ports of its own.
import { createServer, type Server } from 'node:http'
import { type API, BANK_API, startAPI } from '../../example-app/api.ts'
import { createBank } from '../../example-app/app.ts'
import { type DevelopmentProvider, startDevelopmentProvider } from '../../example-app/development-provider.ts'
import { browserModule } from '../support/browser/browser-module.ts'
import { closeServer, listen } from '../support/listen.ts'
import { muteNotices } from '../support/provider/mute-notices.mjs'

export interface OpenBank {
  readonly url: string
  readonly server: Server
  readonly provider: DevelopmentProvider
  readonly api: API
  close(): Promise<void>
}

export interface BankHours {
  /** the timeframe, in seconds; as in the example unless told */
  renewAfter?: number
  /** the bank keeps the accounts itself */
  withoutAPI?: boolean
}

export async function openBank({ renewAfter = 30, withoutAPI = false }: BankHours = {}): Promise<OpenBank> {
  // In jest's own global oidc-provider finds no undici to guard its requests with, and says so at the first of them.
  const unmute = muteNotices()
  const server = createServer()
  const url = `http://localhost:${await listen(server, 'localhost')}`
  const provider = await startDevelopmentProvider({ appURL: url, api: BANK_API })
  const { issuer, clientID, clientSecret, acr } = provider
  const api = await startAPI({ issuer, audience: BANK_API.audience })
  const secret = 'a secret of the example’s own test'
  const code = await browserModule()
  const bank = createBank(
    {
      baseURL: url,
      issuerBaseURL: issuer,
      clientID,
      clientSecret,
      secret,
      renewal: { afterSeconds: renewAfter },
      // What is refused here is refused on purpose.
      logger: { warn() {} },
    },
    {
      browserModule: (_req, res) => void res.type('js').send(code),
      api: withoutAPI ? undefined : api,
      acr,
    },
  )
  server.on('request', bank.app)
  return {
    url,
    server,
    provider,
    api,
    async close() {
      await closeServer(server)
      await bank.close()
      await api.close()
      await provider.close()
      unmute()
    },
  }
}
