// An app with several providers, in its own tests: the test provider stands for each of them.
import express from 'express'
import request from 'supertest'
import { auth, requireAuth } from '../../src/index.ts'
import { signedIn, signedInHeaders, testOptions } from '../../src/testing/index.ts'

const bff = auth(
  testOptions({
    providers: {
      staff: {
        issuerBaseURL: 'https://staff.example.com',
        clientID: 'shop',
        authorizationParams: { acr_values: 'mfa' },
      },
      customers: {
        issuerBaseURL: 'https://customers.example.com',
        clientID: 'shop',
        clientAuthMethod: 'private_key_jwt',
      },
    },
    onChooseProvider: (_req, res) => res.send('choose'),
  }),
)
afterAll(() => bff.close())

const app = express()
app.use(bff)
app.get('/staff', requireAuth({ provider: 'staff' }), (req, res) => {
  res.json({ sub: req.oidc.user?.sub, provider: req.oidc.session?.provider })
})
app.get('/all', requireAuth(), (req, res) => res.json({ provider: req.oidc.session?.provider }))

test('somebody is logged in with the provider that is named', async () => {
  const agent = request.agent(app)
  await signedIn(agent, bff, { sub: 'alice' }, { provider: 'customers' })
  expect((await agent.get('/all')).body).toEqual({ provider: 'customers' })
  expect((await agent.get('/staff')).body).toMatchObject({ code: 'provider_required' })
  await signedIn(agent, bff, { sub: 'alice' }, { at: '/staff' })
  expect((await agent.get('/staff')).body).toEqual({ sub: 'alice', provider: 'staff' })
})

test('so are headers', async () => {
  const headers = await signedInHeaders(app, bff, { sub: 'bob' }, { provider: 'staff' })
  expect((await request(app).get('/staff').set(headers)).body).toEqual({ sub: 'bob', provider: 'staff' })
})

test('a login that names none ends at the app’s own choice, and says so', async () => {
  await expect(signedIn(request.agent(app), bff, { sub: 'alice' })).rejects.toThrow(
    /GET \/login leads to no login, but answers 200: choose/,
  )
})
