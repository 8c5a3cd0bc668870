// A secret that comes back with a refusal, in whatever spelling: short ones look like words.
import { errorCode } from '../../src/provider/failures.ts'
import { cleanedWords } from '../../src/provider/provider-words.ts'

const SECRET = 'sh>?t /s~~~'
const bytes = Buffer.from(SECRET)

test.each([
  ['as it is', SECRET],
  ['as a form has it', new URLSearchParams([['', SECRET]]).toString().slice(1)],
  ['as an address has it', encodeURIComponent(SECRET)],
  ['in base64', bytes.toString('base64')],
  ['in base64 without its padding', bytes.toString('base64').replace('=', '')],
  ['in base64url', bytes.toString('base64url')],
])('%s', (_how, echoed) => {
  expect(cleanedWords(`no ${echoed} here`, [SECRET])).toMatch(/^no \[…\]=? here$/)
})

test('half of a pair is no reason to fail', () => {
  expect(cleanedWords('no \ud800 here', ['\ud800'])).toBe('no […] here')
})

test.each([
  ['open_sesame', ['open_sesame'], 'an error'],
  ['invalid_client', ['client'], 'invalid_client'],
])('the code %s, where %j was sent, is %s', (code, secrets, said) => {
  expect(errorCode(code, secrets)).toBe(said)
})
