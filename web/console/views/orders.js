// The customer's orders, newest first, page by page.

import { insist, read, SignedOut, sleep } from '../api.js'
import { h, speak } from '../dom.js'
import { money, plural, shortId, shortTime, STATUSES, summary, time } from '../format.js'
import { action, empty, heading, note, pill } from '../parts.js'
import { isUnderWay } from '../payment.js'

const PAGE = 10
const LONGEST_PAUSE = 10
const FILTERS = [['', 'All'], ...['created', 'paid', 'fulfilled', 'refunded', 'cancelled'].map((status) => [status, STATUSES[status]])]

export async function showOrders({ place, signal }) {
  const list = h('ul', { class: 'orders' })
  const more = h('div', { class: 'more' })
  const filters = h('div', { class: 'filters', role: 'group', 'aria-label': 'Which orders' })
  place.append(heading('Orders'), filters, h('div', { class: 'panel orders-panel' }, list, more))
  let load = 0

  // Pages follow one another by their cursors; another filter starts from the top.
  async function addPage(status, cursor) {
    const mine = cursor ? load : (load += 1)
    const query = new URLSearchParams({ limit: PAGE, ...(status && { status }), ...(cursor && { cursor }) })
    if (!cursor) {
      list.replaceChildren(...ghosts())
      more.replaceChildren()
    }
    const { orders, next_cursor } = await read(`/orders?${query}`, signal)
    const paying = await Promise.all(orders.map((order) => isBeingPaid(order, signal)))
    if (mine !== load) return
    const rows = orders.map((order, at) => row(order, paying[at]))
    if (cursor) list.append(...rows)
    else list.replaceChildren(...rows)
    if (!list.children.length) list.append(h('li', { class: 'no-orders' }, nothing(status)))
    const refused = h('div', {})
    more.replaceChildren(...(next_cursor ? [action('Show more', 'One moment…', () => addPage(status, next_cursor), { className: 'button quiet', place: refused }), refused] : []))
    if (cursor) {
      rows[0]?.querySelector('a').focus()
      speak(`${plural(rows.length, 'more order')}.`)
    } else if (load > 1) {
      speak(`${plural(rows.length, 'order')}${next_cursor ? ', and more' : ''}.`)
    }
  }

  filters.append(...FILTERS.map(([status, name]) =>
    h('button', { type: 'button', class: 'filter', 'aria-pressed': String(status === ''), onclick: ({ target }) => {
      for (const each of filters.children) each.setAttribute('aria-pressed', String(each === target))
      const asked = addPage(status)
      const mine = load
      asked.catch((error) => {
        if (error instanceof SignedOut) dispatchEvent(new CustomEvent('signed-out'))
        else if (mine === load && !signal.aborted) list.replaceChildren(h('li', { class: 'no-orders' }, note(error), again(target)))
      })
    } }, name)))
  await addPage('')
  watch(list, signal).catch((error) => {
    if (error instanceof SignedOut) dispatchEvent(new CustomEvent('signed-out'))
    // What cannot be seen again now stands as it was seen.
  })
}

// Looks again at the orders that are being paid, for as long as there are any.
async function watch(list, signal) {
  for (let pause = 2; ; pause = Math.min(pause + 1, LONGEST_PAUSE)) {
    await sleep(pause, signal)
    for (const item of list.querySelectorAll('[data-paying]')) {
      const order = await insist(() => read(`/orders/${item.dataset.paying}`, signal), { signal })
      if (await isBeingPaid(order, signal)) continue
      const hadFocus = item.contains(document.activeElement)
      const now = row(order, false)
      item.replaceWith(now)
      if (hadFocus) now.querySelector('a').focus()
    }
  }
}

const row = (order, isPaying) =>
  h(
    'li',
    { 'data-paying': isPaying && order.id },
    h(
      'a',
      { class: 'order-row', href: `#/orders/${order.id}` },
      h('span', { class: 'order-what' }, h('b', {}, summary(order.items)), h('small', { class: 'mono' }, shortId(order.id))),
      h('time', { datetime: order.created_at, title: time(order.created_at) }, shortTime(order.created_at)),
      isPaying ? pill('paying', 'Being paid') : pill(order.status),
      h('span', { class: 'amount' }, money(order.total_amount, order.currency)),
    ),
  )

// An order does not tell that it is being paid; this tab knows it of what it pays itself. Where it cannot find out now
// whether that has ended, it has not.
const isBeingPaid = (order, signal) => isUnderWay(order, signal).catch(() => true)

const again = (filter) => h('button', { type: 'button', class: 'button quiet', onclick: () => { filter.focus(); filter.click() } }, 'Try again')

const nothing = (status) =>
  status
    ? empty('No such orders', `None of your orders is ${STATUSES[status].toLowerCase()}.`)
    : empty('No orders yet', 'What you order is here, newest first.', h('a', { class: 'button', href: '#/' }, 'See the products'))

const ghosts = () => Array.from({ length: 5 }, () => h('li', { class: 'ghost row-ghost', 'aria-hidden': 'true' }))
