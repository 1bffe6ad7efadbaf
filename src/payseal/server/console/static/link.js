// The code stands after the # of the link, which browsers send to nobody. Into the form with it, and out of the address and the history.
"use strict";
const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", location.pathname);
  const field = document.getElementById("token");
  field.value = code;
  field.type = "password";
  document.querySelector("#link-form button").focus();
}
