// Answers of a provider that says too much: what was sent to it comes back, in every shape.
import type { Answer } from '../support/provider/faults.ts'

export function echoes(): [string, (secret: string) => Answer][] {
  const html = { 'content-type': 'text/html' }
  const json = { 'content-type': 'application/json' }
  return [
    ['500 as JSON', (secret) => ({ status: 500, body: { error: secret, error_description: secret } })],
    ['502 as HTML', (secret) => ({ status: 502, headers: html, body: `<h1>${secret}</h1>` })],
    ['429', (secret) => ({ status: 429, headers: { 'retry-after': '1', 'x-echo': secret }, body: secret })],
    ['400', (secret) => ({ status: 400, body: { error: 'invalid_request', error_description: secret } })],
    ['400 with it for a code', (secret) => ({ status: 400, body: { error: secret } })],
    [
      '401',
      (secret) => ({ status: 401, headers: { 'www-authenticate': `Basic realm="${secret}"` }, body: {} }),
    ],
    [
      'invalid_grant',
      (secret) => ({ status: 400, body: { error: 'invalid_grant', error_description: secret } }),
    ],
    ['garbage', (secret) => ({ status: 200, headers: json, body: `{"refresh_token":"${secret}",` })],
    ['text', (secret) => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: secret })],
    ['half an answer', (secret) => ({ status: 200, body: { access_token: 123, refresh_token: secret } })],
    ['a redirect', (secret) => ({ status: 302, headers: { location: `http://127.0.0.1:9/?t=${secret}` } })],
  ]
}
