// An app with very many tenants: what each of them takes, and how long the first request of one waits for it.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import express from 'express'
import { auth, requireAuth } from '../../dist/index.js'
import { answerOf, serve } from './serve.mjs'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

serve(
  async ({ redisUrl, secret, issuer, clientId, clientSecret, options: { tenants, metadata } }) => {
    const began = performance.now()
    const bff = auth({
      secret,
      redis: redisUrl,
      // The provider describes itself here: what is measured is this package's own part.
      provider: { metadata, discoveryURL: false },
      tenant: {
        key: (req) => req.hostname,
        resolve: async (key) =>
          Number(/^tenant-(\d+)\.localhost$/.exec(key)?.[1]) < tenants
            ? { baseURL: `http://${key}`, issuerBaseURL: issuer, clientID: clientId, clientSecret }
            : undefined,
      },
    })
    const app = express()
    app.use(bff)
    app.get('/account', requireAuth(), (req, res) => void res.json(answerOf(req.oidc.user)))
    startMilliseconds = performance.now() - began
    await bff.ready()
    health = bff.health
    return app
  },
  {
    start: () => startMilliseconds,
    known: async () => (await health()).tenants.known,
    /** what is in use once nothing is left to collect */
    memory() {
      collect()
      collect()
      const { rss, heapUsed, external } = process.memoryUsage()
      return { rss, used: heapUsed + external }
    },
  },
)

let startMilliseconds = 0
/** @type {() => Promise<{ tenants: { known: number } }>} */
let health
