"""how_it_works"""
