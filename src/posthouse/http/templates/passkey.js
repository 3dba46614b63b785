// The only script of these pages: asks the browser for a passkey and sends its answer as the form does everything else.
(() => {
  "use strict";
  const form = document.getElementById("passkey");
  if (!form || !window.PublicKeyCredential) return;
  document.getElementById("no-passkey")?.remove();
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const ask = async () => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    for (const one of options.allowCredentials || []) one.id = bytes(one.id);
    const found = await navigator.credentials.get({ publicKey: options });
    const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
    form.elements.passkey.value = JSON.stringify({
      id: found.id,
      rawId: text(found.rawId),
      type: found.type,
      response: {
        authenticatorData: text(authenticatorData),
        clientDataJSON: text(clientDataJSON),
        signature: text(signature),
        userHandle: userHandle ? text(userHandle) : undefined,
      },
      clientExtensionResults: {},
    });
    form.submit();
  };
  form.querySelector("button").addEventListener("click", () => {
    const problem = form.querySelector("[role=alert]");
    problem.hidden = true;
    ask().catch(() => (problem.hidden = false));
  });
  form.hidden = false;
})();
