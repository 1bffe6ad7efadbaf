from payseal.cli import main

main()
