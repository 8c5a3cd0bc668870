// Why an API answered 401: what its challenges say (RFC 9110 §11.6.1).
import { readStepUp, type StepUp } from '../record/step-up.ts'

export interface ApiRefusal {
  /** What the API wants of the person's own authentication (RFC 9470 §3). */
  readonly stepUp: StepUp | undefined
  /** Another token may be taken. */
  readonly isOfToken: boolean
  /** For operators: codes, and nothing that the API was sent. */
  readonly reason: string
}

interface Challenge {
  /** in lower case */
  readonly scheme: string
  /** names in lower case; of two with the same name the first */
  readonly parameters: ReadonlyMap<string, string>
}

const SPACE = /[ \t]*/y
const COMMAS = /[ \t,]*/y
const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y
const TOKEN68 = /[\w.~+/-]+=*(?=[ \t]*(?:,|$))/y
// Values without quotes end at a comma: not all servers quote what they should.
const PARAMETER = /([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=]+))(?=[ \t]*(?:,|$))/y

const STEP_UP = 'insufficient_user_authentication'
/** Where the API does not say what it wants: an authentication that is recent. */
const RECENT_SECONDS = 300

export function readRefusal(header: string | undefined): ApiRefusal {
  const challenges = challengesIn(header ?? '')
  const bearer = challenges.filter(({ scheme }) => scheme === 'bearer' || scheme === 'dpop')
  const wanted = bearer.find(({ parameters }) => parameters.get('error') === STEP_UP)
  const errors = bearer.map(({ parameters }) => parameters.get('error') ?? '')
  const code = errors.find((error) => /^\w{1,60}$/.test(error))
  return {
    stepUp: wanted && stepUpIn(wanted),
    // Many APIs send no challenge at all; and that of `Basic` is about a password.
    isOfToken: wanted === undefined && (challenges.length === 0 || bearer.length > 0),
    reason: `the API answered 401 ${code ?? 'without a reason'}`,
  }
}

function stepUpIn({ parameters }: Challenge): StepUp | undefined {
  const acr = (parameters.get('acr_values') ?? '').split(' ').filter((one) => one !== '')
  const age = parameters.get('max_age')
  if (age !== undefined && !/^\d+$/.test(age)) return undefined
  return readStepUp(age === undefined ? (acr.length > 0 ? undefined : RECENT_SECONDS) : Number(age), acr)
}

/** As far as it can be read. */
function challengesIn(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(header) ?? undefined
    at += found?.[0].length ?? 0
    return found
  }
  for (;;) {
    take(COMMAS)
    const current = challenges.at(-1)
    const parameter = current && take(PARAMETER)
    if (parameter) {
      const [, name = '', quoted, plain = ''] = parameter
      const key = name.toLowerCase()
      if (!current.parameters.has(key)) current.parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain)
      continue
    }
    const scheme = take(TOKEN)
    if (scheme === undefined) return challenges
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters: new Map() })
    take(SPACE)
    take(TOKEN68)
  }
}
