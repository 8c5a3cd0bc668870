// What somebody typed and has not sent, kept in this tab while they log in again. Nobody else gets to see it.
const KEY = 'drafts'

/** @returns {boolean} whether there was anything to keep */
export function keepDrafts(sub) {
  const forms = {}
  for (const form of document.forms) {
    const changed = [...form.elements].filter(
      ({ name, value, defaultValue }) => name && value !== defaultValue,
    )
    if (changed.length > 0) forms[form.id] = Object.fromEntries(new FormData(form))
  }
  if (Object.keys(forms).length === 0) return false
  sessionStorage.setItem(KEY, JSON.stringify({ sub, forms }))
  return true
}

/** @returns {HTMLFormElement[]} the forms that were filled in again */
export function restoreDrafts(sub) {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? '{}')
  forgetDrafts()
  if (kept.sub !== sub) return []
  return Object.entries(kept.forms).map(([id, values]) => {
    const form = document.forms[id]
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value
    return form
  })
}

export function forgetDrafts() {
  sessionStorage.removeItem(KEY)
  for (const form of document.forms) form.reset()
}
