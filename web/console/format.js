// Money, times and names as people read them.

import { minorUnitDigits } from './currencies.js'

const formats = new Map()

// Amounts are integers in the currency's minor unit.
export function money(amount, currency) {
  const code = currency.toUpperCase()
  const places = minorUnitDigits(code)
  if (!formats.has(code)) {
    formats.set(code, new Intl.NumberFormat('en', { style: 'currency', currency: code, minimumFractionDigits: places, maximumFractionDigits: places }))
  }
  return formats.get(code).format(amount / 10 ** places)
}

// What somebody typed, with commas between the thousands or without, in minor units; null where it is no amount of the
// currency.
export function readMoney(text, currency) {
  const places = minorUnitDigits(currency)
  const found = /^(\d{1,12}|\d{1,3}(?:,\d{3}){1,3})(?:\.(\d+))?$/.exec(text.trim())
  if (!found || (found[2] ?? '').length > places) return null
  return Number(found[1].replaceAll(',', '') + (found[2] ?? '').padEnd(places, '0'))
}

// As one types it: `readMoney` reads it back.
export function plainMoney(amount, currency) {
  const places = minorUnitDigits(currency)
  return (amount / 10 ** places).toFixed(places)
}

const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })

export function time(iso) {
  const at = new Date(iso)
  return `${day.format(at)}, ${clock.format(at)}`
}

export function shortTime(iso) {
  const at = new Date(iso)
  const today = day.format(at) === day.format(new Date())
  return `${today ? 'Today' : day.format(at)}, ${clock.format(at).slice(0, 5)}`
}

export const STATUSES = {
  created: 'To pay',
  paid: 'Paid',
  fulfilled: 'Sent',
  cancelled: 'Cancelled',
  refunded: 'Refunded',
  archived: 'Archived',
}

// The end of an order's id, which is what differs.
export function shortId(id) {
  return `…${id.slice(-6)}`
}

// A number and its unit stay on one line.
export const tie = (name) => name.replace(/(\d) (?=\p{L}{1,2}(?!\p{L}))/gu, '$1\u00a0')

export function summary(items) {
  const [first, ...others] = items
  const name = first.quantity > 1 ? `${first.quantity} × ${tie(first.name)}` : tie(first.name)
  return others.length ? `${name} and ${others.length} more` : name
}

export function plural(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`
}
