// The option `secret`: one, several, or a function that gives them, so that they rotate while the process runs.
import { types } from 'node:util'
import { createLimitedLog } from '../lib/limited-log.ts'
import { type Log, OF_SETUP } from '../lib/log.ts'
import { faultOf } from './mistakes.ts'
import { optionError, text } from './read-option.ts'

const OPTION = 'secret (SECRET)'
const CURE =
  'must be at least 32 characters of randomness, or several of them, newest first (SECRET is split at commas); make one with: openssl rand -base64 48'
const KIND = 'express-bff-session: a new secret cannot be used'

/**
 * @param log told what is wrong with what a function gives later on, never what it gave
 * @returns what is good at the moment, newest first; the same list for as long as it stays the same
 */
export function resolveSecrets(given: unknown, log: Log): () => readonly string[] {
  if (typeof given !== 'function') {
    const secrets = checked(given)
    return () => secrets
  }
  const limited = createLimitedLog(log)
  let known = checked(answerOf(given as () => unknown))
  return () => {
    try {
      const answer = answerOf(given as () => unknown)
      if (!isSame(answer, known)) known = checked(answer)
    } catch (error) {
      // Who is logged in stays so: what was good a moment ago is.
      const line = `${KIND}, so the last good one stays in use: ${faultOf(error)}`
      limited.say(KIND, line, { level: 'error', fields: OF_SETUP, most: 1 })
    }
    return known
  }
}

/** @throws ConfigurationError without anything of what it threw, which may be the secret */
function answerOf(secret: () => unknown): unknown {
  let answer: unknown
  try {
    answer = secret()
  } catch {
    throw optionError(OPTION, 'is a function that threw an error; it must give one secret or a list of them')
  }
  if (!types.isPromise(answer)) return answer
  answer.catch(() => undefined)
  throw optionError(
    OPTION,
    'is a function that gave a promise, and must give the secrets at once: keep what is fetched in a variable, and give that',
  )
}

function checked(given: unknown): readonly string[] {
  const secrets = (Array.isArray(given) ? given : [given]).map((one) => text(one, OPTION, CURE))
  if (secrets.length === 0 || secrets.some((one) => one.length < 32)) throw optionError(OPTION, CURE)
  return Object.freeze(secrets)
}

function isSame(answer: unknown, known: readonly string[]): boolean {
  const secrets = Array.isArray(answer) ? answer : [answer]
  return secrets.length === known.length && known.every((one, at) => secrets[at] === one)
}
