// Presses the one button of the page; a browser without scripts leaves that to the person.
document.getElementById('logout').click()
