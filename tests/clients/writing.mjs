/** What the scripts that write letters share: the editor of the window in front, and data that is pasted or dropped. */

export const PHONE = { width: 390, height: 800 };
export const PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAF0lEQVR4nGP4z8CAFWEXHbQSDAwMDAwMAKpcCfeW2b4kAAAAAElFTkSuQmCC";

/** Open a window for a new letter, with recipients and a subject. */
export async function write(page, to, subject) {
  await page.keyboard.press("c");
  await page.waitForSelector(".compose [role=combobox]:focus");
  for (const one of to) {
    await page.keyboard.type(one);
    await page.keyboard.press("Enter");
  }
  await page.fill(".compose .line input", subject);
  return editor(page);
}

export async function editor(page) {
  await page.waitForSelector(".compose iframe[data-ready]");
  return page.frameLocator(".compose iframe").locator("#editor");
}

export async function transfer(locator, type, { files = [], data = {} }) {
  await locator.evaluate(
    (element, { type, files, data }) => {
      const view = element.ownerDocument.defaultView;
      const carried = new view.DataTransfer();
      for (const { name, mime, base64 } of files) {
        carried.items.add(new view.File([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))], name, { type: mime }));
      }
      for (const [kind, text] of Object.entries(data)) carried.setData(kind, text);
      const options = { bubbles: true, cancelable: true };
      element.dispatchEvent(
        type === "paste"
          ? new view.ClipboardEvent("paste", { ...options, clipboardData: carried })
          : new view.DragEvent(type, { ...options, dataTransfer: carried }),
      );
    },
    { type, files, data },
  );
}

/** Send what is in front; questions are answered with yes. */
export async function send(page) {
  await page.keyboard.press("Control+Enter");
  const asked = page.locator(".compose .question .main");
  await Promise.race([page.waitForSelector(".compose", { state: "detached" }), asked.waitFor()]);
  const text = (await asked.count()) ? await page.textContent(".compose .question") : "";
  if (text) await asked.click();
  await page.waitForSelector(".compose", { state: "detached" });
  return text;
}

/** For how long what this account sends can be taken back; 0: it goes out at once. */
export async function undoFor(page, seconds) {
  await page.evaluate(async (undoSeconds) => {
    const { access } = JSON.parse(sessionStorage.getItem("posthouse.grant"));
    const headers = { authorization: `Bearer ${access}`, "content-type": "application/json" };
    const using = ["urn:ietf:params:jmap:core", "urn:posthouse:params:jmap:settings"];
    const methodCalls = [["Settings/set", { accountId: "A1", update: { singleton: { undoSeconds } } }, "s"]];
    const { primaryAccounts } = await (await fetch("/jmap/session", { headers })).json();
    methodCalls[0][1].accountId = Object.values(primaryAccounts)[0];
    await fetch("/jmap/api", { method: "POST", headers, body: JSON.stringify({ using, methodCalls }) });
  }, seconds);
  await page.waitForFunction((wanted) => JSON.parse(localStorage.getItem("posthouse.settings") ?? "{}").undoSeconds === wanted, seconds);
}
