// What the sources say of options, events and errors, read for the tables of the documentation.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** @typedef {{ name: string, type: string, what: string, fallback: string | undefined, environment: string }} Member */
/** @typedef {{ name: string, what: string }} Word */
/** @typedef {Word & { kind: string, status: number, title: string }} ErrorCode */

const src = fileURLToPath(new URL('../src', import.meta.url))
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  // Those of express-openid-connect have a page of their own.
  .filter((file) => file.endsWith('.ts') && !/^(?:browser|express-openid-connect)\b/.test(file))
  .map((file) =>
    ts.createSourceFile(file, readFileSync(join(src, file), 'utf8'), ts.ScriptTarget.Latest, true),
  )

/** Groups of options: the interface, and what stands before its names. */
export const OPTION_TABLES = /** @type {const} */ ([
  ['options', 'AuthOptions', ''],
  ['client-options', 'ClientOptions', ''],
  ['store-options', 'StoreOptions', ''],
  ['redis-options', 'NearCache', 'redis.'],
  ['routes-options', 'Routes', 'routes.'],
  ['renewal-options', 'RenewalOptions', 'renewal.'],
  ['login-options', 'LoginOptions', 'login.'],
  ['provider-options', 'ProviderOptions', 'provider.'],
  ['tenant-options', 'TenantOptions', 'tenant.'],
  ['session-options', 'SessionOptions', 'session.'],
  ['user-info-options', 'UserInfoOptions', 'userInfo.'],
  ['logout-options', 'LogoutOptions', 'logout.'],
  ['api-options', 'ApiOptions', 'apis[].'],
  ['mutual-tls-options', 'MutualTLSOptions', 'mutualTLS.'],
  ['relay-options', 'RelayOptions', ''],
])

/**
 * The options of an interface; those of a group that has no table are told in its place.
 *
 * @param {string} type
 * @param {string} prefix
 * @returns {Member[]}
 */
export function membersOf(type, prefix) {
  const found = declared(type)
  if (!ts.isInterfaceDeclaration(found)) throw new Error(`${type} is no interface`)
  const inherited = (found.heritageClauses ?? [])
    .flatMap((clause) => clause.types.map((each) => each.expression.getText()))
    // Those that have a table are not told twice.
    .filter((base) => !OPTION_TABLES.some(([, name]) => name === base))
    .flatMap((base) => membersOf(base, prefix))
  const own = found.members.filter(ts.isPropertySignature).flatMap((member) => {
    const name = prefix + propertyName(member)
    const written = typeText(member.type)
    const group = OPTION_TABLES.every(([, other]) => other !== written) && interfaceNamed(written)
    return group ? membersOf(written, `${name}.`) : [{ name, type: expanded(written), ...docOf(member) }]
  })
  return [...own, ...inherited]
}

/** @param {ts.PropertySignature} member */
function propertyName({ name }) {
  return ts.isStringLiteral(name) ? name.text : name.getText()
}

/** Without the `undefined` that only says that an option may be left out. @param {ts.TypeNode | undefined} type */
function typeText(type) {
  return (type?.getText() ?? '').replace(/\s+/g, ' ').replace(/ \| undefined$/, '')
}

/** A type that is a list of words is told as that list. @param {string} written */
function expanded(written) {
  const alias = sources
    .flatMap((file) => [...file.statements])
    .find((node) => ts.isTypeAliasDeclaration(node) && node.name.text === written)
  const list = alias && /\(typeof (\w+)\)\[number\]$/.exec(alias.getText())?.[1]
  if (alias === undefined || list === undefined) return written
  const values = sources
    .filter((file) => file === alias.getSourceFile())
    .flatMap((file) => [...file.getText().matchAll(new RegExp(`const ${list} = \\[(.*?)\\]`, 'gs'))])
    .flatMap(([, words = '']) => [...words.matchAll(/'\w+'/g)].map(([word]) => word))
  return values.join(' | ')
}

/** @param {string} name */
function interfaceNamed(name) {
  return sources
    .flatMap((file) => [...file.statements])
    .some((node) => ts.isInterfaceDeclaration(node) && node.name.text === name && name !== 'Logger')
}

/** @param {string} type */
export function eventsOf(type) {
  const found = declared(type)
  if (!ts.isInterfaceDeclaration(found)) throw new Error(`${type} is no interface`)
  return found.members.filter(ts.isPropertySignature).map((member) => ({
    name: propertyName(member),
    what: docOf(member).what,
    fields:
      member.type && ts.isTypeLiteralNode(member.type)
        ? member.type.members.filter(ts.isPropertySignature).map(propertyName)
        : [],
  }))
}

/** The members of a union of words, each with the comment before it. @param {string} type @returns {Word[]} */
export function wordsOf(type) {
  const found = declared(type)
  if (!ts.isTypeAliasDeclaration(found) || !ts.isUnionTypeNode(found.type))
    throw new Error(`${type} is no union`)
  let from = found.name.end
  return found.type.types.map((member) => {
    const before = found.getSourceFile().text.slice(from, member.getStart())
    from = member.end
    const name = member.getText().replaceAll("'", '')
    return { name, what: told(commentIn(before), name) }
  })
}

/** The codes of a class of errors, with their statuses and titles. @param {string} kind @returns {ErrorCode[]} */
export function codesOf(kind) {
  const found = declared(kind)
  if (!ts.isClassDeclaration(found)) throw new Error(`${kind} is no class`)
  const property = (/** @type {string} */ name) =>
    found.members.filter(ts.isPropertyDeclaration).find((member) => member.name.getText() === name)
  const status = property('status')?.initializer?.getText()
  return wordsOf(typeText(property('code')?.type)).map(({ name, what }) => ({
    name,
    what,
    kind,
    status: status === undefined ? thrownStatus(kind, name) : Number(status),
    title: titleOf(name),
  }))
}

/** The value of a table that is written out. @param {string} name */
export function writtenValue(name) {
  const found = declared(name)
  let written = ts.isVariableStatement(found) ? found.declarationList.declarations[0]?.initializer : undefined
  while (written && (ts.isSatisfiesExpression(written) || ts.isAsExpression(written)))
    written = written.expression
  return new Function(`return (${written?.getText()})`)()
}

/** What a class of errors means, in its own words. @param {string} kind */
export function meaningOf(kind) {
  const found = declared(kind)
  return told(commentIn(found.getSourceFile().text.slice(found.pos, found.getStart())), kind).replace(
    / Status \d.*$/,
    '',
  )
}

/** Where the class leaves it to whoever throws, all have to say the same. @param {string} kind @param {string} name */
function thrownStatus(kind, name) {
  const statuses = new Set(
    sources.flatMap((file) =>
      [...file.text.matchAll(new RegExp(`new ${kind}\\(\\s*'${name}',\\s*(\\d{3}),`, 'g'))].map(
        ([, number]) => number,
      ),
    ),
  )
  if (statuses.size !== 1)
    throw new Error(`'${name}' is thrown with the statuses ${[...statuses].join(', ') || '(never)'}`)
  return Number([...statuses][0])
}

/** @param {string} name */
function titleOf(name) {
  const found = declared('TITLES')
  const title = new RegExp(`^ *${name}: '(.*)',$`, 'm').exec(found.getText())?.[1]
  if (title === undefined) throw new Error(`'${name}' has no title`)
  return title
}

/** @param {string} name */
function declared(name) {
  const found = sources
    .flatMap((file) => [...file.statements])
    .find((node) =>
      ts.isVariableStatement(node)
        ? node.declarationList.declarations.some((one) => one.name.getText() === name)
        : (ts.isInterfaceDeclaration(node) ||
            ts.isTypeAliasDeclaration(node) ||
            ts.isClassDeclaration(node)) &&
          node.name?.text === name,
    )
  if (found === undefined) throw new Error(`${name} is not in the sources`)
  return found
}

/** @param {ts.PropertySignature} member */
function docOf(member) {
  const comment = commentIn(member.getSourceFile().text.slice(member.pos, member.getStart()))
  const [text = '', ...tags] = comment.split(/ ?@(?=defaultValue )/)
  const fallback = tags[0]?.replace('defaultValue ', '')
  const environment = / ?Environment: (`[A-Z_]+`[^.]*)\./.exec(text)
  const isRequired = / ?Required\.$/.test(text)
  return {
    what: text.replace(environment?.[0] ?? '', '').replace(/ ?Required\.$/, ''),
    fallback: isRequired ? 'required' : fallback,
    environment: environment?.[1] ?? '',
  }
}

/** The last comment of a text, in one line. @param {string} text */
function commentIn(text) {
  const comments = [...text.matchAll(/\/\*\*(.*?)\*\//gs)]
  const [, comment = ''] = comments.at(-1) ?? []
  return comment
    .replace(/\n\s*\* ?/g, '\n')
    .trim()
    .replace(/\s+/g, ' ')
}

/** @param {string} comment @param {string} name */
function told(comment, name) {
  if (comment === '') throw new Error(`'${name}' has no comment that says what it means`)
  return comment
}
