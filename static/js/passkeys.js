// Passkeys: <form data-passkey="get|create" data-options="…"> asks the browser, and sends what it answered in its field
// `credential`. Without data-options they are fetched from data-fetches when the button is pressed.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const withBytes = (keys = []) => keys.map((key) => ({ ...key, id: toBytes(key.id) }));

async function create(options) {
  const { user, excludeCredentials } = options;
  const publicKey = { ...options, challenge: toBytes(options.challenge), user: { ...user, id: toBytes(user.id) }, excludeCredentials: withBytes(excludeCredentials) };
  const made = await navigator.credentials.create({ publicKey });
  const { attestationObject, clientDataJSON } = made.response;
  return answer(made, { attestationObject: toText(attestationObject), clientDataJSON: toText(clientDataJSON), transports: made.response.getTransports?.() ?? [] });
}

async function get(options) {
  const publicKey = { ...options, challenge: toBytes(options.challenge), allowCredentials: withBytes(options.allowCredentials) };
  const found = await navigator.credentials.get({ publicKey });
  const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
  return answer(found, {
    authenticatorData: toText(authenticatorData),
    clientDataJSON: toText(clientDataJSON),
    signature: toText(signature),
    userHandle: userHandle ? toText(userHandle) : null,
  });
}

const answer = (credential, response) => ({
  id: credential.id,
  rawId: toText(credential.rawId),
  type: credential.type,
  authenticatorAttachment: credential.authenticatorAttachment,
  clientExtensionResults: credential.getClientExtensionResults(),
  response,
});

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options).publicKey;
  const fetched = await fetch(form.dataset.fetches, { headers: { Accept: "application/json" } });
  if (!fetched.ok) throw new Error(`passkey options: ${fetched.status}`);
  return (await fetched.json()).request_options.publicKey;
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-passkey]");
  if (!form) return;
  event.preventDefault();
  const fault = form.querySelector("[data-passkey-fault]");
  const button = form.querySelector("button");
  fault.hidden = true;
  button.disabled = true;
  try {
    const ask = form.dataset.passkey === "create" ? create : get;
    form.elements.credential.value = JSON.stringify(await ask(await optionsOf(form)));
    form.submit(); // not requestSubmit: this listener has had its turn
  } catch {
    fault.hidden = false; // cancelled, no passkey here, or no answer from the server: the person can only try again
    button.disabled = false;
  }
});

if (window.PublicKeyCredential) for (const button of document.querySelectorAll("form[data-passkey] button")) button.disabled = false;
