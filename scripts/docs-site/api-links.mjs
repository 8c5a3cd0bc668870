// In the prose of the site, the first mention of what an app imports, or has on a request, leads to the API reference.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'

const KINDS = ['functions', 'classes', 'interfaces', 'types']
const ON_REQUEST = { req: 'RequestOidc', res: 'ResponseOidc' }

/** @param {string} site @param {string} entry whose names they are */
export function linkNames(site, entry) {
  const isOfReference = (/** @type {string} */ file) =>
    KINDS.concat('modules').some((kind) => file.startsWith(kind))
  for (const file of readdirSync(site, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.html') || isOfReference(file)) continue
    const text = readFileSync(join(site, file), 'utf8')
    writeFileSync(
      join(site, file),
      withNames(text, (words) => {
        const page = pageOf(site, entry, words)
        return page && posix.relative(posix.dirname(file), page)
      }),
    )
  }
}

/**
 * @param {string} text
 * @param {(words: string) => string | undefined} addressOf
 */
function withNames(text, addressOf) {
  const seen = new Set()
  // What is a link, code of several lines or a heading stays as it is.
  return text.replace(
    /<(a|pre|h\d|nav)\b.*?<\/\1>|<code>([\w.]+)(?:\([^<]*\))?<\/code>/gs,
    (all, _tag, words) => {
      const address = words && !seen.has(words) && addressOf(words)
      seen.add(words)
      return address ? `<a href="${address}">${all}</a>` : all
    },
  )
}

/** @param {string} site @param {string} entry @param {string} words */
function pageOf(site, entry, words) {
  const [, object, member] = /^(req|res)\.oidc\.(\w+)$/.exec(words) ?? []
  const name = object ? ON_REQUEST[/** @type {keyof typeof ON_REQUEST} */ (object)] : words
  const page = KINDS.map((kind) => `${kind}/${entry}.${name}.html`).find((file) =>
    existsSync(join(site, file)),
  )
  if (page === undefined || member === undefined) return page
  const place = member.toLowerCase()
  return readFileSync(join(site, page), 'utf8').includes(`id="${place}"`) ? `${page}#${place}` : undefined
}
