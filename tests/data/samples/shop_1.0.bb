SUMMARY = "The shop"
LICENSE = "MIT"

inherit cmake

# Puts it in place.
do_install() {
    install -d ${D}${bindir}
}

python do_check() {
    bb.note("checked")
}
