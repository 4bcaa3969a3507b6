// Goes on by itself, unless something stopped it: then a person decides.
const form = document.getElementById("go-on");
if (form && !document.querySelector(".messagelist .error")) form.querySelector("button").click();
