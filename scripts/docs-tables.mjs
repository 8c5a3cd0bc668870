// Makes the tables of the documentation from the types and their comments, and writes them between their markers:
// `<!-- NAME: made by npm run docs:tables -->` and `<!-- /NAME -->`. So each fact stands in one place, the source.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assumptions, kept, measured, sizes } from './capacity.mjs'
import {
  codesOf,
  eventsOf,
  meaningOf,
  membersOf,
  OPTION_TABLES,
  wordsOf,
  writtenValue,
} from './docs-sources.mjs'
import { code, table } from './markdown.mjs'

/** @typedef {import('./docs-sources.mjs').Member} Member */
/** @typedef {import('./docs-sources.mjs').Word} Word */

const root = fileURLToPath(new URL('..', import.meta.url))

/** Those that most apps need. */
const OPTIONS_IN_SHORT = [
  'issuerBaseURL',
  'baseURL',
  'clientID',
  'clientSecret',
  'secret',
  'redis',
  'authorizationParams',
  'authRequired',
  'renewal.afterSeconds',
  'session.idleTimeoutSeconds',
  'session.absoluteTimeoutSeconds',
  'apis',
]

/** Each class of errors, with its codes. */
const ERROR_KINDS = ['LoginRequiredError', 'TryLaterError', 'RefusedError', 'ConfigurationError']

/**
 * Every option of `auth()` and `relay()`, by the table that has it.
 *
 * @type {ReadonlyMap<string, readonly Member[]>}
 */
export const options = new Map(OPTION_TABLES.map(([table, type, prefix]) => [table, membersOf(type, prefix)]))
const routes = membersOf('Routes', 'routes.')
export const events = eventsOf('AuthEvents')
export const errorCodes = ERROR_KINDS.flatMap(codesOf)
const reasons = wordsOf('SessionEndReason')
export const findings = wordsOf('FindingName')
export const outsideFindings = wordsOf('OutsideName')
const outcomes = wordsOf('RenewalOutcome')
/** @type {{ name: string, kind: string, unit: string, what: string, attributes: string[] }[]} */
const metrics = Object.values(writtenValue('METRICS'))

/** @type {ReadonlyMap<string, string>} */
const tables = new Map([
  ...[...options].map(([table, members]) => /** @type {const} */ ([table, optionTable(members)])),
  [
    'options-in-short',
    table(
      ['option', 'environment', 'default', ''],
      OPTIONS_IN_SHORT.map(optionNamed).map(({ name, environment, fallback, what }) => [
        code(name),
        environment,
        fallback ?? '',
        what,
      ]),
    ),
  ],
  [
    'routes',
    table(
      ['route', 'option', 'answer'],
      routes
        .filter(({ fallback }) => !fallback?.startsWith('`false`'))
        .map(({ name, fallback, what }) => [(fallback ?? '').replaceAll("'", ''), code(name), what]),
    ),
  ],
  [
    'events',
    table(
      ['event', 'when', 'with'],
      events.map(({ name, what, fields }) => [code(name), what, fields.map(code).join(', ')]),
    ),
  ],
  ['capacity-measured', table(measured.heading, measured.rows)],
  ['capacity-kept', table(kept.heading, kept.rows)],
  ['capacity-assumed', table(assumptions.heading, assumptions.rows)],
  ['capacity-sizes', table(sizes.heading, sizes.rows)],
  ['findings', wordTable('finding', findings)],
  ['outside-findings', wordTable('finding', outsideFindings)],
  ['session-end-reasons', wordTable('reason', reasons)],
  ['renewal-outcomes', wordTable('outcome', outcomes)],
  [
    'token-outcomes',
    wordTable(
      'outcome',
      wordsOf('TokenOutcome').filter(({ name }) => name !== 'RenewalOutcome'),
    ),
  ],
  ['renewal-triggers', wordTable('trigger', wordsOf('RenewalTrigger'))],
  [
    'metrics',
    table(
      ['metric', 'kind', 'unit', '', 'attributes'],
      metrics.map(({ name, kind, unit, what, attributes }) => [
        code(name),
        kind,
        unit,
        what,
        attributes.map(code).join(', '),
      ]),
    ),
  ],
  [
    'errors',
    table(
      ['code', 'status', 'title', 'in short'],
      errorCodes.map(({ name, status, title, what }) => [
        `[${code(name)}](#${name})`,
        `${status}`,
        title,
        what,
      ]),
    ),
  ],
  [
    'errors-in-short',
    table(
      ['class', 'status', '', 'codes'],
      ERROR_KINDS.map((kind) => {
        const ofKind = errorCodes.filter((one) => one.kind === kind)
        const statuses = [...new Set(ofKind.map(({ status }) => status))].sort()
        const links = ofKind.map(({ name }) => `[${code(name)}](docs/errors.md#${name})`)
        return [code(kind), statuses.join(', '), meaningOf(kind), links.join(', ')]
      }),
    ),
  ],
])

/** Every page of the documentation: as it is, and as the sources want it. */
export function pages() {
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const files = ['README.md', ...inDocs.map((file) => `docs/${file}`)]
  return files
    .filter((file) => file.endsWith('.md'))
    .map((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      return { file, text, made: file === 'docs/errors.md' ? withErrorLines(made(text)) : made(text) }
    })
}

/** The tables that no page shows. */
export function tablesWithoutPage() {
  const all = pages().map(({ text }) => text)
  return [...tables.keys()].filter((name) => !all.some((text) => text.includes(opening(name))))
}

/** @param {string} page */
function made(page) {
  return page.replace(
    /^<!-- ([\w-]+): made by npm run docs:tables -->$.*?^<!-- \/\1 -->$/gms,
    (_, /** @type {string} */ name) => {
      const text = tables.get(name)
      if (text === undefined) throw new Error(`there is no table '${name}'`)
      return `${opening(name)}\n\n${text}\n\n<!-- /${name} -->`
    },
  )
}

/** @param {string} name */
function opening(name) {
  return `<!-- ${name}: made by npm run docs:tables -->`
}

/** The line under each code's heading. @param {string} page */
function withErrorLines(page) {
  return page.replace(/^## ([a-z]+(?:_[a-z]+)+)\n\n.*$/gm, (_, /** @type {string} */ name) => {
    const error = errorCodes.find((one) => one.name === name)
    if (error === undefined) throw new Error(`docs/errors.md: there is no code '${name}'`)
    return `## ${name}\n\n*${error.title}.* ${error.status}, ${code(error.kind)}. ${error.what}`
  })
}

/** @param {readonly Member[]} members */
function optionTable(members) {
  return table(
    ['option', '', 'type', 'default', 'environment'],
    members.map(({ name, what, type, fallback, environment }) => [
      code(name),
      what,
      code(type),
      fallback ?? (isGroup(name) ? `[${name}](#${name})` : ''),
      environment,
    ]),
  )
}

/** With a table of its own, under a heading of its name. @param {string} name */
function isGroup(name) {
  return OPTION_TABLES.some(([, , prefix]) => prefix === `${name}.`)
}

/** @param {string} name */
function optionNamed(name) {
  const found = [...options.values()].flat().find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no option '${name}'`)
  return found
}

/** @param {string} heading @param {readonly Word[]} words */
function wordTable(heading, words) {
  return table(
    [code(heading), ''],
    words.map(({ name, what }) => [code(name), what]),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { file, text, made } of pages()) {
    if (text === made) continue
    writeFileSync(join(root, file), made)
    console.log(`${file}: made anew`)
  }
}
