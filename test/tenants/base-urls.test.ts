// A tenant with several addresses: they are its own, and told apart as those of an app without tenants.
import { createServer } from 'node:http'
import express from 'express'
import { auth } from '../../src/index.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { createLog } from '../support/evidence.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { app } = useParts(async (start) => {
  const provider = await start(startProvider())
  const handler = auth({
    secret: TEST_SECRET,
    redis: false,
    logger: createLog().logger,
    tenant: {
      key: (req) => req.get('x-tenant'),
      resolve: async (key) => ({
        baseURL: [`https://${key}.example`, `https://${key}.test`],
        issuerBaseURL: provider.issuer,
        clientID: key,
      }),
    },
  })
  const server = createServer(express().use(handler))
  const url = `http://localhost:${await listen(server, 'localhost')}`
  return {
    app: await start({
      url,
      async stop() {
        await closeServer(server)
        await handler.close()
      },
    }),
  }
})

test.each([
  ['one', 'one.example', 'https://one.example/callback'],
  ['one', 'one.test', 'https://one.test/callback'],
  ['two', 'two.test', 'https://two.test/callback'],
  ['two', 'one.test', 'https://two.example/callback'],
  ['two', 'evil.example', 'https://two.example/callback'],
])('tenant %s at %s leads back to %s', async (tenant, host, expected) => {
  const headers = { 'x-tenant': tenant, host }
  // The first makes the tenant's sites, the second finds them.
  for (let times = 0; times < 2; times += 1) {
    const page = await exchange({ method: 'GET', url: `${app.url}/login`, headers })
    expect(new URL(page.headers.location ?? '').searchParams.get('redirect_uri')).toBe(expected)
  }
})
