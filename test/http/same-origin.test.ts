// Which requests a page of another origin sent, by what the browser says of them.
import type { Request } from 'express'
import { isCrossOrigin, isSafe } from '../../src/http/same-origin.ts'

const ORIGINS = ['https://app.example.com', 'https://admin.example.com']

test.each<[site: string | undefined, origin: string | undefined, cross: boolean]>([
  // no browser, or one that says nothing of itself
  [undefined, undefined, false],
  // fetch metadata
  ['same-origin', undefined, false],
  ['none', undefined, false],
  ['same-site', undefined, true],
  ['cross-site', undefined, true],
  ['', undefined, true],
  ['SAME-ORIGIN', undefined, true],
  ['same-origin, cross-site', undefined, true],
  // only an Origin
  [undefined, 'https://app.example.com', false],
  [undefined, 'https://admin.example.com', false],
  [undefined, 'null', true],
  [undefined, '', true],
  [undefined, 'https://evil.example', true],
  [undefined, 'https://app.example.com.evil.example', true],
  [undefined, 'https://app.example.com:8443', true],
  [undefined, 'http://app.example.com', true],
  [undefined, 'https://app.example.com/', true],
  [undefined, 'https://APP.example.com', true],
  // both
  ['same-origin', 'https://app.example.com', false],
  ['same-site', 'https://admin.example.com', false],
  ['cross-site', 'https://admin.example.com', false],
  ['same-site', 'https://sibling.example.com', true],
  ['cross-site', 'https://evil.example', true],
  ['cross-site', 'null', true],
  ['same-site', 'null', true],
])('Sec-Fetch-Site %j with Origin %j: cross-origin is %j', (site, origin, cross) => {
  const headers = {
    ...(site !== undefined && { 'sec-fetch-site': site }),
    ...(origin !== undefined && { origin }),
  }
  expect(isCrossOrigin({ headers } as Request, ORIGINS)).toBe(cross)
})

test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE'])('%s is safe', (method) => {
  expect(isSafe({ method, headers: {} } as Request)).toBe(true)
})

test('a GET that opens a WebSocket is not safe', () => {
  expect(isSafe({ method: 'GET', headers: { upgrade: 'websocket' } } as unknown as Request)).toBe(false)
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'QUERY', 'get', 'PROPFIND', ''])(
  '%j is not safe',
  (method) => {
    expect(isSafe({ method, headers: {} } as Request)).toBe(false)
  },
)
