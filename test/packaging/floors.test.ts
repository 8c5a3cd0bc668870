import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type House, violations } from './floors.ts'

const house: House = {
  maxLines: 200,
  rooms: [
    { floor: 9, files: ['index.ts'] },
    { floor: 8, files: ['auth.ts'] },
    { floor: 7, files: ['routes/*.ts'] },
    { floor: 7, files: ['guards.ts'] },
    { floor: 7, files: ['relay/*.ts'] },
    { floor: 7, files: ['request-oidc.ts'] },
    // What a request is to the routes, the guards and `req.oidc`.
    {
      floor: 6,
      files: [
        'request-context.ts',
        'current-session.ts',
        'api-fetch.ts',
        'log-in.ts',
        'silent-log-in.ts',
        'log-out.ts',
      ],
    },
    { floor: 5, files: ['sessions.ts', 'session-entry.ts'] },
    { floor: 4, files: ['renewal/*.ts'] },
    { floor: 4, files: ['session/*.ts'] },
    // The interface alone, so that rooms beside the stores can speak of them.
    { floor: 3, files: ['auth-records/auth-records.ts'] },
    { floor: 4, files: ['auth-records/*.ts'] },
    { floor: 3, files: ['provider.ts', 'provider-*.ts'] },
    { floor: 3, files: ['problem.ts'] },
    { floor: 2, files: ['tell-refused.ts'] },
    { floor: 2, files: ['login-transaction.ts', 'authorization-parameters.ts'] },
    { floor: 1, files: ['options.ts', 'option-*.ts', 'config.ts', 'resolve-options.ts'] },
    { floor: 1, files: ['same-origin.ts'] },
    { floor: 0, files: ['seal.ts'] },
    { floor: 0, files: ['navigation.ts'] },
    { floor: 0, files: ['auth-record.ts', 'access-token.ts', 'timeframe.ts', 'id-token-claims.ts'] },
    { floor: 0, files: ['session-id.ts'] },
    { floor: 0, files: ['return-to.ts'] },
    { floor: 0, files: ['beside.ts'] },
    { floor: 0, files: ['hidden-class.ts'] },
    { floor: 0, files: ['bounded-map.ts'] },
    { floor: 0, files: ['deadline.ts'] },
    { floor: 0, files: ['redirect.ts'] },
    // It runs in a browser, and knows nothing of the house.
    { floor: 0, files: ['browser/*.ts'] },
    { floor: 0, files: ['errors.ts', 'step-up.ts'] },
    { floor: 0, files: ['events.ts'] },
  ],
  outsideWorlds: [
    { packages: ['openid-client', 'oauth4webapi'], files: ['provider.ts', 'provider-*.ts'] },
    {
      packages: ['ioredis', 'connect-redis'],
      files: ['auth-records/redis*.ts', 'session/*.ts'],
      typesOnly: ['options.ts', 'option-redis-servers.ts', 'config.ts'],
    },
    { packages: ['express-session'], files: ['session/*.ts'] },
    // Once it is used, every promise of the process has hooks to run, in the app's own code too.
    { packages: ['node:async_hooks'], files: [] },
    { packages: ['undici'], files: ['provider-mutual-tls.ts'] },
    { packages: ['httpxy'], files: ['relay/*.ts'] },
    // No file needs its own name, nor the test runner.
    { packages: ['express-bff-session', '@jest'], files: [] },
  ],
}

const src = join(import.meta.dirname, '../../src')

test('the sources keep the floors of the house', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts'))
  expect(files).toContain('index.ts')
  const sources = Object.fromEntries(files.map((file) => [file, readFileSync(join(src, file), 'utf8')]))
  expect(violations(sources, house)).toEqual([])
})

describe('the check of the floors', () => {
  test('is content with imports that go down, within a room, or to packages that have no owner', () => {
    const sources = {
      'auth.ts': "import { login } from './routes/login.ts'\nimport express from 'express'",
      'routes/login.ts': "import { path } from './paths.ts'\nimport { seal } from '../seal.ts'",
      'routes/paths.ts': 'export const path = 1',
      'provider.ts': "import * as client from 'openid-client'",
      'auth-records/redis-lease.ts': "import { Redis } from 'ioredis'",
      'options.ts': "import type { Redis } from 'ioredis'",
      'seal.ts': "import { createCipheriv } from 'node:crypto'",
    }
    expect(violations(sources, house)).toEqual([])
  })

  const lines = (count: number) => 'x()\n'.repeat(count)

  test.each<[name: string, sources: Record<string, string>, message: RegExp]>([
    ['a file in no room', { 'cache.ts': '' }, /cache\.ts stands in no room/],
    ['a folder in no room', { 'deep/seal.ts': '' }, /deep\/seal\.ts stands in no room/],
    [
      'an import that goes up',
      { 'seal.ts': "import { auth } from './auth.ts'", 'auth.ts': '' },
      /seal\.ts \(floor \d\) imports auth\.ts \(floor \d\)/,
    ],
    [
      'an import of types that goes up',
      { 'seal.ts': "import type { A } from './auth.ts'", 'auth.ts': '' },
      /seal\.ts \(floor \d\) imports auth\.ts \(floor \d\)/,
    ],
    [
      'a type that is imported in place from above',
      { 'seal.ts': "export type A = import('./auth.ts').A", 'auth.ts': '' },
      /seal\.ts \(floor \d\) imports auth\.ts \(floor \d\)/,
    ],
    [
      'a re-export of the same floor in another room',
      { 'guards.ts': "export { x } from './routes/login.ts'", 'routes/login.ts': '' },
      /guards\.ts \(floor \d\) imports routes\/login\.ts \(floor \d\)/,
    ],
    [
      'a dynamic import that goes up',
      { 'renewal/renew.ts': "await import('../guards.ts')", 'guards.ts': '' },
      /renewal\/renew\.ts \(floor \d\) imports guards\.ts/,
    ],
    ['an import that leaves src', { 'seal.ts': "import '../test/x.ts'" }, /is no file of the house/],
    [
      'a cycle within a room',
      {
        'provider.ts': "import './provider-a.ts'",
        'provider-a.ts': "import type { B } from './provider-b.ts'",
        'provider-b.ts': "import './provider.ts'",
      },
      /cycle: provider\.ts → provider-a\.ts → provider-b\.ts → provider\.ts/,
    ],
    ['a file that imports itself', { 'seal.ts': "import './seal.ts'" }, /cycle: seal\.ts → seal\.ts/],
    [
      'openid-client outside its room',
      { 'renewal/renew.ts': "import type { C } from 'openid-client'" },
      /renewal\/renew\.ts imports openid-client, which only provider\.ts/,
    ],
    [
      'a subpath of a package outside its room',
      { 'renewal/renew.ts': "import { CONFIG } from 'openid-client/passport'" },
      /renewal\/renew\.ts imports openid-client\/passport/,
    ],
    ['oauth4webapi outside its room', { 'auth.ts': "import 'oauth4webapi'" }, /imports oauth4webapi/],
    [
      'ioredis in the store of the memory',
      { 'auth-records/memory.ts': "import { Redis } from 'ioredis'" },
      /auth-records\/memory\.ts imports ioredis/,
    ],
    [
      'connect-redis in another room',
      { 'auth.ts': "import 'connect-redis'" },
      /auth\.ts imports connect-redis/,
    ],
    [
      'more than the types of ioredis in options',
      { 'options.ts': "import { type Redis } from 'ioredis'" },
      /options\.ts imports ioredis/,
    ],
    ['async hooks', { 'provider-fetch.ts': "import 'node:async_hooks'" }, /imports node:async_hooks/],
    ['undici in another room', { 'provider-fetch.ts': "import { fetch } from 'undici'" }, /imports undici/],
    [
      'express-session in another room',
      { 'routes/login.ts': "import session from 'express-session'" },
      /routes\/login\.ts imports express-session/,
    ],
    [
      'express-session extended in another room',
      { 'auth.ts': "declare module 'express-session' {}" },
      /auth\.ts imports express-session/,
    ],
    ['types.ts', { 'routes/types.ts': '' }, /routes\/types\.ts: types and helpers live with their owner/],
    ['utils.ts', { 'utils.ts': '' }, /utils\.ts: types and helpers live with their owner/],
    ['a file of 201 lines', { 'seal.ts': lines(201) }, /seal\.ts has 201 lines/],
  ])('catches %s', (_name, sources, message) => {
    expect(violations(sources, house)).toContainEqual(expect.stringMatching(message))
  })

  test('takes a file of 200 lines', () => {
    expect(violations({ 'seal.ts': lines(200) }, house)).toEqual([])
  })
})
