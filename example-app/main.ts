// `npm start`: the bank on http://localhost:3000, with a development provider unless the environment names a real one.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import express from 'express'
import { type API, BANK_API, startAPI } from './api.ts'
import { createBank } from './app.ts'
import { startDevelopmentProvider } from './development-provider.ts'
import { openInBrowser } from './open-in-browser.ts'

interface Provider {
  issuer: string
  clientID?: string
  clientSecret?: string
  acr?: string
  close?: () => Promise<void>
}

type PortVariable = 'PORT' | 'DEV_PROVIDER_PORT'

const { env } = process

try {
  await openBank()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

async function openBank(): Promise<void> {
  const { open, 'two-providers': hasTwo } = parseArgs({
    options: { open: { type: 'boolean' }, 'two-providers': { type: 'boolean' } },
  }).values
  const port = portFrom('PORT') ?? 3000
  const baseURL = env.BASE_URL || `http://localhost:${port}`
  // What is undefined below, the middleware reads from the environment itself.
  const provider = realProvider() ?? (await developmentProvider(baseURL))
  const staff = hasTwo ? await staffProvider(baseURL) : undefined
  // The API takes the tokens of one provider.
  const ofOne = env.ISSUER_BASE_URL ? env.AUDIENCE : BANK_API.audience
  const audience = staff ? undefined : ofOne
  const api = audience ? await startAPI({ issuer: provider.issuer, audience }) : undefined
  const browserModule = dirname(fileURLToPath(import.meta.resolve('express-bff-session/browser')))
  const bank = createBank(
    {
      baseURL,
      ...(staff ? { providers: { customers: entryOf(provider), staff: entryOf(staff) } } : entryOf(provider)),
      secret: env.SECRET ? undefined : randomBytes(32).toString('base64url'),
    },
    { browserModule: express.static(browserModule), api, acr: provider.acr },
  )
  const server = createServer(bank.app).listen(port)
  await once(server, 'listening').catch((error: unknown) => explainTakenPort(error, 'PORT', port))

  for (const line of whatRuns(provider, staff, api)) console.log(`- ${line}`)
  console.log(`\nThe bank is open: ${baseURL}\n`)
  if (open)
    openInBrowser(baseURL, () => console.log('No browser could be opened here: please do it yourself.'))

  let closing: Promise<void> | undefined
  async function closeBank(): Promise<void> {
    await stopListening(server)
    await bank.close()
    await api?.close()
    await provider.close?.()
    await staff?.close?.()
    process.exit()
  }
  // `on` and not `once`: Ctrl-C reaches this process from the terminal and again from npm.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (closing ??= closeBank()))
}

function whatRuns(provider: Provider, staff: Provider | undefined, api: API | undefined): string[] {
  return [
    ...(staff ? [`Staff log in at another one, ${staff.issuer}, and have a page of their own: /staff.`] : []),
    env.ISSUER_BASE_URL
      ? `People log in at ${provider.issuer} (ISSUER_BASE_URL).`
      : `People log in at a development provider in this process, ${provider.issuer}: under any name, without a ` +
        'password. Another one: ISSUER_BASE_URL, CLIENT_ID and CLIENT_SECRET.',
    api
      ? `The accounts are behind an API, ${api.url}, that takes access tokens for ${api.audience} with ` +
        `${BANK_API.scope}.`
      : "The bank keeps the accounts itself. With an API in between that takes your provider's access tokens: AUDIENCE.",
    env.REDIS_URL
      ? 'Sessions are kept in Redis (REDIS_URL).'
      : 'Sessions are kept in the memory of this process, and end with it. In Redis: REDIS_URL.',
    ...(env.SECRET
      ? []
      : ['The secret is a random one, so everybody is logged out at the next start. A lasting one: SECRET.']),
  ]
}

function entryOf({ issuer, clientID, clientSecret }: Provider) {
  return { issuerBaseURL: issuer, clientID, clientSecret }
}

async function staffProvider(appURL: string): Promise<Provider> {
  if (env.ISSUER_BASE_URL)
    throw new Error('--two-providers brings two development providers: leave ISSUER_BASE_URL out.')
  return startDevelopmentProvider({ appURL })
}

function realProvider(): Provider | undefined {
  return env.ISSUER_BASE_URL ? { issuer: env.ISSUER_BASE_URL } : undefined
}

function developmentProvider(appURL: string): Promise<Provider> {
  const port = portFrom('DEV_PROVIDER_PORT')
  return startDevelopmentProvider({ appURL, api: BANK_API, ...(port && { port }) }).catch((error: unknown) =>
    explainTakenPort(error, 'DEV_PROVIDER_PORT', port),
  )
}

async function stopListening(server: Server): Promise<void> {
  const patience = setTimeout(() => server.closeAllConnections(), 2000)
  const closed = once(server, 'close')
  server.close()
  await closed
  clearTimeout(patience)
}

function portFrom(variable: PortVariable): number | undefined {
  const text = env[variable]
  if (!text) return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new Error(`${variable} must be a number from 1 to 65535, not "${text}".`)
}

function explainTakenPort(error: unknown, variable: PortVariable, port = 0): never {
  if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
  const another = port === 65_535 ? 3000 : port + 1
  throw new Error(
    `Port ${port} is taken. Stop what runs there, or choose another: ${variable}=${another} npm start`,
  )
}
