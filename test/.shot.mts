import { chromium } from 'playwright-core';
const [,, base, ...names] = process.argv;
const pages: Record<string,string> = { overview: '/overview', requests: '/requests', connect: '/connect', request: '' };
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const wanted = names.length ? names : Object.keys(pages);
let id = '';
for (const scheme of ['dark','light'] as const) for (const width of [1440, 390]) {
  const ctx = await browser.newContext({ viewport: { width, height: width === 390 ? 844 : 1000 }, colorScheme: scheme, timezoneId: 'Europe/Lisbon', deviceScaleFactor: 1 });
  const page = await ctx.newPage();
  page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') console.log(scheme, width, m.type(), m.text().slice(0, 300)); });
  page.on('pageerror', (e) => console.log('pageerror', String(e.stack).slice(0, 500)));
  for (const name of wanted) {
    const key = `${name}-${scheme}-${width}`;
    if (process.env.ONLY && !key.includes(process.env.ONLY)) continue;
    let path = pages[name] ?? name;
    if (name === 'request') path = process.env.REQ ?? await (await fetch(base + '/api/newest')).json().then((r) => `/requests/${r.request_id}`);
    const t = Date.now();
    await page.goto(base + path, { waitUntil: 'networkidle' });
    await page.waitForTimeout(600);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await page.screenshot({ path: `/tmp/dash/${key.replaceAll('/', '_')}.png`, fullPage: true });
    console.log(key, Date.now() - t, 'ms overflow', over);
  }
  await ctx.close();
}
await browser.close();
