// The links of a folder of HTML pages that lead to no page of it, or to no place on one.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/**
 * Other sites are not asked.
 *
 * @param {string} folder
 * @returns {{ page: string, link: string }[]}
 */
export function brokenLinks(folder) {
  const texts = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.html'))
      .map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
  )
  const places = new Map(
    [...texts].map(([file, text]) => [
      file,
      new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)),
    ]),
  )
  return [...texts].flatMap(([page, text]) =>
    [...text.matchAll(/\s(?:href|src)="(?!\w+:|\/\/)([^"]*)"/g)]
      .map(([, link = '']) => link.replaceAll('&amp;', '&'))
      .filter((link) => {
        const [path = '', place] = decodeURIComponent(link).split('#')
        const to = path === '' ? page : posix.join(posix.dirname(page), path)
        if (!existsSync(join(folder, to))) return true
        return place !== undefined && place !== '' && places.get(to)?.has(place) === false
      })
      .map((link) => ({ page, link })),
  )
}
