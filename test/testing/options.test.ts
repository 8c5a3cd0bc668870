// What testOptions() gives beside what it is given.
import express from 'express'
import request from 'supertest'
import { auth } from '../../src/index.ts'
import { signedIn, testOptions } from '../../src/testing/index.ts'
import { createLog } from '../support/evidence.ts'

test('that of somebody only sub is known is worth no warning', async () => {
  const log = createLog()
  const bff = auth(testOptions({ logger: log.logger }))
  await signedIn(request.agent(express().use(bff)), bff, { sub: 'alice' })
  expect(log.lines).toEqual([])
  await bff.close()
})

test.each([
  [undefined, {}, 'openid offline_access'],
  [undefined, { audience: 'https://api.example.com' }, 'openid offline_access'],
  [undefined, { scope: 'openid email' }, 'openid email'],
  ['openid', {}, undefined],
])('with SCOPE=%s and %j the scope is %s', (SCOPE, authorizationParams, scope) => {
  const before = { ...process.env }
  if (SCOPE !== undefined) process.env.SCOPE = SCOPE
  try {
    const given = testOptions({ authorizationParams }).authorizationParams
    expect(given).toEqual({ ...authorizationParams, ...(scope && { scope }) })
  } finally {
    process.env = before
  }
})

test('an app for many tenants of Entra ID, under several addresses, is tested by people of none', async () => {
  const tenants = ['11111111-aaaa-4bbb-8ccc-000000000001']
  const baseURL = ['http://localhost', 'http://nl.localhost']
  const bff = auth(testOptions({ tenants, baseURL, logger: createLog().logger }))
  await bff.ready()
  const agent = request.agent(express().use(bff))
  await signedIn(agent, bff, { sub: 'alice' })
  expect((await agent.get('/me')).body).toMatchObject({ authenticated: true, user: { sub: 'alice' } })
  await bff.close()
})
