import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { circles, type House, violations } from './floors.ts'

const house: House = {
  maxLines: 200,
  rooms: [
    // Beside the core: an app's tests import the public surface, as the app does.
    { floor: 12, files: ['testing/*.ts'] },
    // An app's own metrics and traces are made of the public surface.
    { floor: 12, files: ['telemetry/*.ts'] },
    // The surface of another package over ours; `inside.ts` is its one door behind the public surface.
    { floor: 12, files: ['express-openid-connect/*.ts'] },
    // The command: it is to a set-up what an app is.
    { floor: 12, files: ['doctor/*.ts'] },
    { floor: 11, files: ['index.ts'] },
    { floor: 10, files: ['auth.ts', 'auth-handler.ts'] },
    { floor: 9, files: ['sites/*.ts'] },
    { floor: 8, files: ['routes.ts'] },
    { floor: 8, files: ['request-oidc.ts'] },
    { floor: 8, files: ['check/*.ts'] },
    { floor: 8, files: ['tenants/*.ts'] },
    { floor: 7, files: ['login/*.ts'] },
    { floor: 7, files: ['logout/*.ts'] },
    { floor: 7, files: ['apis/*.ts'] },
    { floor: 7, files: ['guards.ts'] },
    { floor: 7, files: ['me-route.ts'] },
    { floor: 6, files: ['session/*.ts'] },
    { floor: 6, files: ['health/*.ts'] },
    { floor: 5, files: ['renewal/*.ts'] },
    { floor: 4, files: ['provider/*.ts'] },
    { floor: 4, files: ['store/memory/*.ts'] },
    { floor: 4, files: ['store/redis/*.ts'] },
    { floor: 3, files: ['store/*.ts'] },
    { floor: 3, files: ['cookies/*.ts'] },
    { floor: 3, files: ['http/*.ts'] },
    { floor: 2, files: ['options/*.ts'] },
    { floor: 1, files: ['errors/*.ts', 'events/*.ts', 'findings.ts'] },
    { floor: 0, files: ['record/*.ts'] },
    { floor: 0, files: ['lib/*.ts'] },
    // It runs in a browser, and knows nothing of the house.
    { floor: 0, files: ['browser/*.ts'] },
  ],
  outsideWorlds: [
    { packages: ['openid-client', 'oauth4webapi', 'jose', 'undici'], files: ['provider/*.ts'] },
    {
      packages: ['ioredis', 'connect-redis'],
      files: ['store/redis/*.ts', 'session/*.ts'],
      typesOnly: ['options/*.ts'],
    },
    { packages: ['express-session'], files: ['session/*.ts'] },
    // Once it is used, every promise of the process has hooks to run, in the app's own code too.
    { packages: ['node:async_hooks'], files: [] },
    // An optional peer, which nobody else needs to have.
    { packages: ['@opentelemetry'], files: ['telemetry/*.ts'] },
    { packages: ['httpxy'], files: ['apis/upstream-request.ts'] },
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

test('express-openid-connect reaches behind the public surface by one door', () => {
  const folder = join(src, 'express-openid-connect')
  const inside = /from '(\.\.\/[^']+)'/g
  const reaching = readdirSync(folder).flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(inside)].map(([, from]) => [file, from]),
  )
  expect(reaching.filter(([, from]) => from === '../index.ts').length).toBeGreaterThan(5)
  expect(reaching.filter(([file, from]) => file !== 'inside.ts' && from !== '../index.ts')).toEqual([])
})

const root = join(src, '..')

test.each(['test', 'bench', 'soak', 'example-app'])(
  'no file of %s imports itself, by whatever way',
  (folder) => {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => /\.(?:ts|mjs)$/.test(file) && !/node_modules|public\//.test(file))
    expect(files.length).toBeGreaterThan(5)
    const sources = Object.fromEntries(
      files.map((file) => [file, readFileSync(join(root, folder, file), 'utf8')]),
    )
    expect(circles(sources)).toEqual([])
  },
)

describe('the check of the floors', () => {
  test('is content with imports that go down, within a room, or to packages that have no owner', () => {
    const sources = {
      'auth.ts': "import { login } from './login/login-route.ts'\nimport express from 'express'",
      'login/login-route.ts': "import { path } from './paths.ts'\nimport { seal } from '../lib/seal.ts'",
      'login/paths.ts': 'export const path = 1',
      'provider/provider.ts': "import * as client from 'openid-client'",
      'store/redis/lease.ts': "import { Redis } from 'ioredis'",
      'options/auth-options.ts': "import type { Redis } from 'ioredis'",
      'lib/seal.ts': "import { createCipheriv } from 'node:crypto'",
    }
    expect(violations(sources, house)).toEqual([])
  })

  const lines = (count: number) => 'x()\n'.repeat(count)

  test.each<[name: string, sources: Record<string, string>, message: RegExp]>([
    ['a file in no room', { 'cache.ts': '' }, /cache\.ts stands in no room/],
    ['a folder in no room', { 'deep/seal.ts': '' }, /deep\/seal\.ts stands in no room/],
    [
      'an import that goes up',
      { 'lib/seal.ts': "import { auth } from '../auth.ts'", 'auth.ts': '' },
      /lib\/seal\.ts \(floor \d+\) imports auth\.ts \(floor \d+\)/,
    ],
    [
      'an import of types that goes up',
      { 'lib/seal.ts': "import type { A } from '../auth.ts'", 'auth.ts': '' },
      /lib\/seal\.ts \(floor \d+\) imports auth\.ts \(floor \d+\)/,
    ],
    [
      'a type that is imported in place from above',
      { 'lib/seal.ts': "export type A = import('../auth.ts').A", 'auth.ts': '' },
      /lib\/seal\.ts \(floor \d+\) imports auth\.ts \(floor \d+\)/,
    ],
    [
      'a re-export of the same floor in another room',
      { 'guards.ts': "export { x } from './login/login-route.ts'", 'login/login-route.ts': '' },
      /guards\.ts \(floor \d\) imports login\/login-route\.ts \(floor \d\)/,
    ],
    [
      'a dynamic import that goes up',
      { 'renewal/renew.ts': "await import('../guards.ts')", 'guards.ts': '' },
      /renewal\/renew\.ts \(floor \d\) imports guards\.ts/,
    ],
    ['an import that leaves src', { 'lib/seal.ts': "import '../test/x.ts'" }, /is no file of the house/],
    [
      'a cycle within a room',
      {
        'provider/provider.ts': "import './jwks.ts'",
        'provider/jwks.ts': "import type { B } from './discovery.ts'",
        'provider/discovery.ts': "import './provider.ts'",
      },
      /cycle: provider\/provider\.ts → provider\/jwks\.ts → provider\/discovery\.ts → provider\/provider\.ts/,
    ],
    [
      'a file that imports itself',
      { 'lib/seal.ts': "import './seal.ts'" },
      /cycle: lib\/seal\.ts → lib\/seal\.ts/,
    ],
    [
      'openid-client outside its room',
      { 'renewal/renew.ts': "import type { C } from 'openid-client'" },
      /renewal\/renew\.ts imports openid-client, which only provider\/\*\.ts may/,
    ],
    [
      'a subpath of a package outside its room',
      { 'renewal/renew.ts': "import { CONFIG } from 'openid-client/passport'" },
      /renewal\/renew\.ts imports openid-client\/passport/,
    ],
    ['oauth4webapi outside its room', { 'auth.ts': "import 'oauth4webapi'" }, /imports oauth4webapi/],
    [
      'ioredis in the store of the memory',
      { 'store/memory/memory-store.ts': "import { Redis } from 'ioredis'" },
      /memory-store\.ts imports ioredis/,
    ],
    [
      'connect-redis in another room',
      { 'auth.ts': "import 'connect-redis'" },
      /auth\.ts imports connect-redis/,
    ],
    [
      'more than the types of ioredis in options',
      { 'options/auth-options.ts': "import { type Redis } from 'ioredis'" },
      /auth-options\.ts imports ioredis/,
    ],
    ['jose outside its room', { 'session/a.ts': "import { jwtVerify } from 'jose'" }, /imports jose/],
    ['async hooks', { 'auth.ts': "import 'node:async_hooks'" }, /imports node:async_hooks/],
    ['undici in another room', { 'auth.ts': "import { fetch } from 'undici'" }, /imports undici/],
    [
      'express-session in another room',
      { 'login/login-route.ts': "import session from 'express-session'" },
      /login-route\.ts imports express-session/,
    ],
    [
      'express-session extended in another room',
      { 'auth.ts': "declare module 'express-session' {}" },
      /auth\.ts imports express-session/,
    ],
    ['types.ts', { 'login/types.ts': '' }, /login\/types\.ts: types and helpers live with their owner/],
    ['utils.ts', { 'utils.ts': '' }, /utils\.ts: types and helpers live with their owner/],
    ['a file of 201 lines', { 'lib/seal.ts': lines(201) }, /seal\.ts has 201 lines/],
  ])('catches %s', (_name, sources, message) => {
    expect(violations(sources, house)).toContainEqual(expect.stringMatching(message))
  })

  test('takes a file of 200 lines', () => {
    expect(violations({ 'lib/seal.ts': lines(200) }, house)).toEqual([])
  })
})
